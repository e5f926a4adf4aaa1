"""Accepting connections: budgets of file handles, deadlines, caps by address."""
