"""A district in several processes: gateways that hold boards, a core that decides and records, NATS between them.

NATS carries and keeps nothing. Whatever counts is committed by the core before a board is answered; what is lost on the
way is asked for again or sent again by the board, and what comes twice is recognised.
"""
