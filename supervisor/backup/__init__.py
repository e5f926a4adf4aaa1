"""Copies of a whole service: its record, keys, authority, calibration and configuration, encrypted, and back again."""
