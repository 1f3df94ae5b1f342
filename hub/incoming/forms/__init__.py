"""Forms of incoming webhooks."""
