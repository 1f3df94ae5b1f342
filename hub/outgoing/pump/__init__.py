"""Drain the lanes that have work: claim, build, send, settle, again."""
