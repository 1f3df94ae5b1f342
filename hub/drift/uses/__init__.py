"""Which mappings, routes and jobs use which fields of which objects of a connection.

`connection_uses` finds all of them: what routes write (`mapping_uses`), what routes read of the
events that the system sends (`event_uses`), and what the options of jobs name (`job_uses`).
"""
