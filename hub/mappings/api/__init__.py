"""REST of mappings: identities, and the fallbacks for missing ones."""
