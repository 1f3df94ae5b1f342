"""Reads of gaps: runs of a job that the hub makes for a connection, when a gap is due."""
