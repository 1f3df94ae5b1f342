"""Webhooks v2 of Pipedrive: registered by the API, sent for changes, banned and deleted."""
