"""The benches of `manage.py bench incoming` by name, in the order in which they run."""

from collections.abc import Mapping

from bench.faults import receiving
from bench.incoming import dedupe, echo, react, receive, spike, starve
from bench.suite import Bench

BENCHES: Mapping[str, Bench] = {
    "receive": receive,
    "spike": spike,
    "react": react,
    "dedupe": dedupe,
    "starve": starve,
    "echo": echo,
    "faults": receiving,
}
