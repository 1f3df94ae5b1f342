"""Inbound endpoints: their URLs, their keys, and the secrets that verify requests."""
