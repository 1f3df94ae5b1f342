"""Writes of very many records by jobs of a system: runs of a job that the hub makes."""
