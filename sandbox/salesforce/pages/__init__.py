"""An org as its users and its administrators see it."""
