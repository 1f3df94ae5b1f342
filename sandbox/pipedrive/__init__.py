"""Pipedrive, simulated."""
