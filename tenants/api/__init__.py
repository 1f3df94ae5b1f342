"""REST of who: tenants, keys, and the people who belong to a tenant."""
