"""The live schema of a connection: its objects, their fields, and lists of choices; cached.

`object_schemas` is about objects and fields, `choice_lists` about lists from which a person
chooses. The `find_` functions read the cache only; the `refresh_` functions call the system,
through the throttle.
"""
