"""What `manage.py bench silence` measures: whether a webhook that dies is noticed, and how soon."""

from collections.abc import Mapping

from bench.silence import detect, scale
from bench.suite import Bench

BENCHES: Mapping[str, Bench] = {"detect": detect, "scale": scale}
