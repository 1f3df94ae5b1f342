"""REST: publish events, and read and change deliveries, operations and kill switches."""
