"""The limits of quotas for a night: of each quota, and of each system."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from django.utils.translation import gettext as _

from connectors.registry import CONNECTORS
from hub.scheduled.night.allowances import QuotaLine
from hub.scheduled.night.simulation import Allowance, PredictedNight


@dataclass(frozen=True, slots=True)
class QuotaForecast:
    """The use of one quota in the night: for all its owners together, and for the busiest one.

    `units_by_minute`: of the night. `line`: what background work may spend in a minute, of all
    owners; None if the quota does not limit minutes. `units_left`: the remaining units of a budget.
    `busiest_share`: the greatest part of an owner's allowance that is used in a minute, or for a
    budget in the night.
    """

    connector_key: str
    name: str
    label: str
    background_share: float
    owner_count: int
    units_by_minute: Sequence[float]
    line: float | None
    units_left: float | None
    busiest_share: float

    @property
    def units(self) -> int:
        return round(sum(self.units_by_minute))

    @property
    def busiest_minute(self) -> int:
        return round(max(self.units_by_minute, default=0))

    @property
    def background_percent(self) -> int:
        return round(100 * self.background_share)

    @property
    def busiest_percent(self) -> int:
        return round(100 * self.busiest_share)

    @property
    def system(self) -> str:
        return find_system_label(self.connector_key)


@dataclass(frozen=True, slots=True)
class SystemLine:
    """A quota of a system in calls per minute, for background work and all owners together."""

    label: str
    per_minute: float


def find_system_label(connector_key: str) -> str:
    connector = CONNECTORS.get(connector_key)
    return _(str(connector.label)) if connector else _("the hub itself")


def find_system_lines(lines: Mapping[str, QuotaLine]) -> dict[str, list[SystemLine]]:
    """Return by connector quotas of calls per minute, summed over all owners, lowest first."""
    sums: dict[str, dict[tuple[str, str], float]] = defaultdict(dict)
    for line in lines.values():
        if line.allowance.per_minute is not None:
            quotas, key = sums[line.connector_key], (line.name, line.label)
            quotas[key] = quotas.get(key, 0.0) + line.allowance.per_minute
    return {
        connector_key: sorted(
            (SystemLine(f"{name}: {label}", total) for (name, label), total in quotas.items()),
            key=lambda line: line.per_minute,
        )
        for connector_key, quotas in sums.items()
    }


def summarize_quotas(night: PredictedNight, lines: Mapping[str, QuotaLine]) -> list[QuotaForecast]:
    """Return a summary of each quota that has a line, the tightest first."""
    keys: dict[tuple[str, str], list[str]] = defaultdict(list)
    for key, line in lines.items():
        if key in night.units_by_quota_and_minute:
            keys[line.connector_key, line.name].append(key)
    quotas = [
        QuotaForecast(
            connector_key,
            name,
            lines[members[0]].label,
            lines[members[0]].share,
            len(members),
            sum_by_minute(night.units_by_quota_and_minute[key] for key in members),
            sum_known([lines[key].allowance.per_minute for key in members]),
            sum_known([lines[key].allowance.units_left for key in members]),
            max(
                measure_share(lines[key].allowance, night.units_by_quota_and_minute[key])
                for key in members
            ),
        )
        for (connector_key, name), members in keys.items()
    ]
    return sorted(quotas, key=lambda quota: (-quota.busiest_share, quota.connector_key, quota.name))


def measure_share(allowance: Allowance, minutes: Sequence[float]) -> float:
    """Return the greatest used part of an allowance; 0 if it limits none."""
    if allowance.per_minute:
        return max(minutes) / allowance.per_minute
    if allowance.units_left is not None:
        return sum(minutes) / allowance.units_left if allowance.units_left else 1.0
    return 0.0


def sum_by_minute(rows: Iterable[Sequence[float]]) -> list[float]:
    return [sum(minute) for minute in zip_longest(*rows, fillvalue=0.0)]


def sum_known(numbers: Sequence[float | None]) -> float | None:
    values = [number for number in numbers if number is not None]
    return sum(values) if values else None
