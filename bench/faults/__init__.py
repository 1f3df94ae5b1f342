"""What `manage.py bench faults` breaks: by name, in order."""

from collections.abc import Mapping

from bench.faults import gaps, hang, kills, receiving, suspects
from bench.suite import Bench

BENCHES: Mapping[str, Bench] = {
    "kills": kills,
    "suspects": suspects,
    "hang": hang,
    "receiving": receiving,
    "gaps": gaps,
}
