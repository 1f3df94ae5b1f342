"""Which mappings, routes and jobs use which fields of which objects of a connection."""
