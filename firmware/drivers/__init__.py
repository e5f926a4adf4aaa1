"""Drivers with the bus injected; they know bytes and units, not zones."""
