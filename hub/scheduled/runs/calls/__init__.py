"""Calls of runs: their pace, the quotas that they reserve, and the meaning of responses."""
