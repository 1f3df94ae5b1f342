"""The pump: a loop that claims due deliveries, builds and sends requests, and settles results."""
