"""Queries and texts about incoming webhooks, shared by REST and the pages."""
