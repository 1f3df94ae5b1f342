"""Receiving: verify a webhook over its raw bytes, store it, and acknowledge it."""
