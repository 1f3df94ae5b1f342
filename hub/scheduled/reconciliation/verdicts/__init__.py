"""Verdicts: what the records of one key say about each other, and which side a repair changes."""
