"""The benches of `manage.py bench scheduled` by name, in the order in which they run."""

from collections.abc import Mapping

from bench.scheduled import compare, night, ship, slots, valve
from bench.suite import Bench

BENCHES: Mapping[str, Bench] = {
    "slots": slots,
    "compare": compare,
    "valve": valve,
    "night": night,
    "ship": ship,
}
