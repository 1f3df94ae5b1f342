"""A company as its users and its administrators see it."""
