"""Syncs: read changes in another system that no webhook has reported, and turn them into events."""
