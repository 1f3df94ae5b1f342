"""REST views of incoming webhooks."""
