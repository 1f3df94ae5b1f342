"""A customer's own endpoints: their forms, and the matches of a filter among the last events."""
