"""Stored counters, as tests compare them."""

from hub.metrics.counters import Tally


def counts_by_label(name: str) -> dict[str, int]:
    return dict(Tally.objects.filter(name=name).values_list("label", "value"))
