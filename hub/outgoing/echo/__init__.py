"""Echoes: changes that the hub wrote to another system, and that come back as webhooks."""
