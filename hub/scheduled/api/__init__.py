"""REST views of scheduled work."""
