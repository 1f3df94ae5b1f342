"""Echoes: changes that the hub wrote to another system, and that come back as webhooks.

A received change is an echo if the system itself reports that our app caused it (`is_own`), if it
is the creation or deletion of a record that the hub created or deleted, or if every changed field
has the value that the hub wrote, at the time at which it was written.
`hub/incoming/processing/known_changes/echoes.py` then marks the item as an echo, so that it is not
published.
"""
