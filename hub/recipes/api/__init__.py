"""REST API of recipes and integrations."""
