"""The safety valve of complete lists of people: stops a list that would deactivate too many."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from hub.problems import Refusal

SHARE_MAX = 0.5  # of the active people that are known
COUNT_MIN = 10  # of so few, a list may deactivate any share but all


@dataclass(frozen=True, slots=True)
class Deactivations:
    """The deactivations by a complete list: `count` of the `known_count` active people.

    `listed_count`: how many people the list contains, active or not.
    """

    count: int
    known_count: int
    listed_count: int

    @property
    def exceeds_limits(self) -> bool:
        """Return whether a person has to confirm the list."""
        if not self.count or not self.listed_count:
            return bool(self.count)
        return self.known_count > COUNT_MIN and self.count > SHARE_MAX * self.known_count

    def __str__(self) -> str:
        return f"{self.count} of {self.known_count} active users would be deactivated"


class SafetyValveStopped(Refusal):
    """A complete list would deactivate too many people, and was not confirmed."""

    code = "safety-valve-stopped"

    def __init__(self, deactivations: Deactivations) -> None:
        super().__init__(f'{deactivations}. Send `"confirm_deactivations": true` if that is right.')
        self.deactivations = deactivations

    def list_errors(self) -> list[dict[str, str]]:
        detail = str(self.deactivations)
        return [{"pointer": "/confirm_deactivations", "detail": detail, "code": "unconfirmed"}]


def count_deactivations(people: QuerySet[Any], *, since: datetime) -> Deactivations:
    """Count the deactivations by a list that was stored since a time; one query."""
    is_listed = Q(read_at__gte=since)
    counts = people.aggregate(
        count=Count("pk", filter=~is_listed & Q(is_active=True)),
        kept=Count("pk", filter=is_listed & Q(is_active=True, created_at__lt=since)),
        listed_count=Count("pk", filter=is_listed),
    )
    count, kept = counts["count"], counts["kept"]
    return Deactivations(count, count + kept, counts["listed_count"])
