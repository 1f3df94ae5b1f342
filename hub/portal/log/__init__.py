"""The log of events and deliveries: what the address asks for, a page of it, and how each row is told."""
