"""Syncs: changes in another system of which no webhook told are read, and become events."""
