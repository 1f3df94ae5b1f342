"""Pruning: delete old rows after their retention time, in small batches."""
