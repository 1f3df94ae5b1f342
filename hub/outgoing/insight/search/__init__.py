"""Search for events and deliveries: conditions of a term, values of events, and their index."""
