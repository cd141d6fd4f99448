"""Suffice searches your documents until the evidence suffices, and says so when it does not."""
