"""Forms of scheduled work, for customers and staff."""
