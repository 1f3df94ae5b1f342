"""Keep our webhook registrations in external systems as the enabled routes need them.

`check` lists the registrations of a system, `compare` finds the differences, and `changes` creates,
repairs and removes.
"""
