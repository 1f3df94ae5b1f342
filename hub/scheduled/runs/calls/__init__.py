"""Calls of runs: their pace, the quotas that they reserve, and what the answers mean."""
