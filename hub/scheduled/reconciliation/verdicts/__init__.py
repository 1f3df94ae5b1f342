"""Verdicts: compare the records of one key, and determine which side a repair changes."""
