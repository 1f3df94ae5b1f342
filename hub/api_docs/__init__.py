"""The documentation of the API at /api/docs/: guides rendered from docs/, search, the reference."""
