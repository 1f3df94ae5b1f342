"""Schema drift: a system's schema has changed in a way that will break what writes or reads it.

`check` reads the schema of an object again and compares it with the baseline, `findings` stores
what was found, `schedule` says when the objects of a connection are checked. `comparison` compares,
and `uses` finds which mappings, routes and jobs use which fields.

Drift of a webhook registration is in `hub/incoming/registration/`.
"""
