"""Find which mappings, routes and jobs use which fields of a connection's objects.

`connection_uses` combines all of them: the fields that routes write (`mapping_uses`), those of the
system's events that routes read (`event_uses`), and those that the options of jobs name
(`job_uses`).
"""
