"""What `manage.py bench faults` breaks: by name, in order."""

from collections.abc import Mapping

from bench.faults import hang, kills, receiving
from bench.suite import Bench

BENCHES: Mapping[str, Bench] = {"kills": kills, "hang": hang, "receiving": receiving}
