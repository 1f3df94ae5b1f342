"""REST API: routes, and the field mappings that they use."""
