"""Items of changes that the hub knows already: its own, its canaries', and those that it read."""
