"""REST API: publish events; read and change deliveries, operations and kill switches."""
