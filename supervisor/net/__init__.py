"""Accepting connections from anybody: budgets of file handles, deadlines, caps by address."""
