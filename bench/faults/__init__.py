"""What `manage.py bench faults` breaks: by name, in order."""

BENCHES = {}
