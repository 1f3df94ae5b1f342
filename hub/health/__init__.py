"""Whether the hub lives, whether it can do its work, and in numbers."""
