"""The order application: a small shop of our own, whose orders are what the hub carries."""
