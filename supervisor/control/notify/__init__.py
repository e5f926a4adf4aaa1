"""Telling people of alarms: who is told when (`rules`), by whom (`duty`), in which words (`texts`), and how (`outbox`).

The channels themselves are `supervisor.notify`. `opening` puts it together.
"""
