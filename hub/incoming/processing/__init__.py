"""Processing: from received messages to items of connections, and to published events."""
