"""What `manage.py bench faults` breaks: by name, in order."""

from bench.faults import hang, kills

BENCHES = {"kills": kills, "hang": hang}
