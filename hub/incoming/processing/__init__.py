"""Processing: from a received message to items of connections, and to published events."""
