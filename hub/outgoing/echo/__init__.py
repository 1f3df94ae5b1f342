"""Echoes: changes that the hub wrote to another system, and that come back as webhooks.

A received change is an echo if the system itself says that our app caused it (`is_own`), or if
every changed field holds what the hub wrote. `hub/incoming/processing/echoes.py` sets it aside.
"""
