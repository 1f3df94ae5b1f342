"""Learn how often a source usually calls, and say when a silence is too long for it."""
