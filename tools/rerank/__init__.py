"""Candidates to an order."""
