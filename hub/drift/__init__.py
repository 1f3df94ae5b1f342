"""Schema drift: a change of an external system's schema that will break mappings, routes or jobs.

`check` reads the schema of an object again and compares it with the baseline; `findings` stores the
differences; `schedule` determines when a connection is checked. `comparison` compares, and `uses`
finds the fields that mappings, routes and jobs use.

Drift of webhook registrations is in `hub/incoming/registration/`.
"""
