"""Intake of log lines: convert NDJSON or records to numbered chunks.

`lines` parses and packs lines, `append` numbers and stores them, `backlog` reads them.
"""
