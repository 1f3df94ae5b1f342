"""What `manage.py bench identities` measures: suggested pairs of two directories of people."""

from collections.abc import Mapping

from bench.identities import matching
from bench.suite import Bench

BENCHES: Mapping[str, Bench] = {"matching": matching}
