"""Lessons on the emulated district, for staff: a situation, decisions that are carried out, and a score.

`lessons` are the three situations, `play` runs one, `score` judges it.
"""
