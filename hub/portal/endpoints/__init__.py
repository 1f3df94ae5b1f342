"""A customer's own endpoints: what is filled in for one, and how a filter does on the last events."""
