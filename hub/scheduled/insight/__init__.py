"""Queries and texts about scheduled work, shared by REST and the pages."""
