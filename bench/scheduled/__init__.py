"""The benches of `manage.py bench scheduled` by name, in the order in which they run."""

from collections.abc import Mapping

from bench.scheduled import compare, night, ship, valve
from bench.suite import Bench

BENCHES: Mapping[str, Bench] = {"compare": compare, "valve": valve, "night": night, "ship": ship}
