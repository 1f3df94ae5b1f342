"""What the REST API takes and returns: items, subscriptions, sources and gaps."""
