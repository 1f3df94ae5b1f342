"""REST of mappings: identities and their fallbacks."""
