"""The search of the portal: one box for ids, values, names and pages; see sources.py."""
