"""REST of connections, connectors and connect links."""
