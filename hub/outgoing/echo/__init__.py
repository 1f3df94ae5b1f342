"""Echoes: changes that the hub wrote to another system, and that come back as webhooks.

A received change is an echo if the system itself reports that our app caused it (`is_own`), or if
every changed field has the value that the hub wrote. `hub/incoming/processing/echoes.py` then marks
the item as an echo, so that it is not published.
"""
