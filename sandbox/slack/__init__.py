"""Slack: the Web API as documented in 2026, and a page that looks like a channel."""
