"""Customers' own webhook endpoints: their forms, and the test of a filter against recent events."""
