"""The live schema of a connection: its objects, their fields, and lists of choices; cached.

`object_schemas` reads and finds objects and fields, `choice_lists` lists from which a person
chooses. To find asks no system; to refresh asks it, through the throttle.
"""
