"""Quotas that were exceeded, by the ledger of the systems themselves: also where no call was
refused.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bench import checker
from connectors.http import Budget, Rate
from connectors.registry import CONNECTORS

TOKEN_QUOTA = "app:token"  # of refreshes, which are none of a run's calls


def count_breaches(rows: Sequence[Mapping[str, Any]], system: str) -> int:
    """Return how many windows of a rate, and how many budgets, the calls to a system exceeded.

    The calls are those of runs, which keep to the share of background work.
    """
    moments: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row["system"] == system:
            moments[row["account"]].append(datetime.fromisoformat(row["at"]).timestamp())
    everything = [moment for times in moments.values() for moment in times]
    counts: Counter[str] = Counter()
    for name, quota in CONNECTORS[system].quotas.items():
        of_owners = [everything] if name.startswith("app") else list(moments.values())
        limit = int(quota.limit * quota.background_share)
        if isinstance(quota, Rate) and name != TOKEN_QUOTA:
            counts[name] = sum(
                checker.breaches(times, limit, quota.per_seconds) for times in of_owners
            )
        elif isinstance(quota, Budget):
            counts[name] = sum(len(times) > limit for times in of_owners)
    return counts.total()
