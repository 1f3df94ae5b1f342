"""All that is known of an attack in the end, on one clock."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from bench.faults import clock_conversion as clocks
from bench.faults.event_callers import CallerLog
from bench.faults.installation import AttackedInstallation
from bench.faults.kill import Kill
from bench.faults.owners import SocketOwners
from bench.sink.client import Arrival
from hub.outgoing.models import Attempt, Delivery
from hub.processes.worker_registry import Replacement

ON_ITS_WAY = 0.1  # seconds from a process to the sink
REPLACED_WITHIN = 3.0  # seconds that a worker takes to end what is left of a pool, and to say so


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that is known in the end; moments are of the machine's monotonic clock."""

    logs: list[CallerLog]  # of each caller
    arrivals: Sequence[Arrival]
    ids: dict[str, str]  # the id that the sink saw, by the sender's
    stored: dict[str, float]  # by that id, when its event was stored
    crashes: dict[str, list[float]]  # by that id, when each was found lying after its pump had died
    outages: list[tuple[float, float]]  # without a database, in which nothing can be settled
    kills: list[Kill]  # in the order of time; with the pools that a worker replaced
    owners: SocketOwners

    @classmethod
    def of(cls, installation: AttackedInstallation, arrivals: Sequence[Arrival]) -> Self:
        rows = list(
            Delivery.unscoped.values_list("event__sender_id", "message_uuid", "event__accepted_at")
        )
        return cls(
            logs=[caller.log for caller in installation.callers],
            arrivals=arrivals,
            ids={sender: f"msg_{id.hex}" for sender, id, _at in rows},
            stored={f"msg_{id.hex}": clocks.monotonic(at) for _sender, id, at in rows},
            crashes=crashes_by_id(),
            outages=installation.outages,
            kills=sorted(
                [*installation.kills, *replacements(installation.owners)], key=lambda kill: kill.at
            ),
            owners=installation.owners,
        )

    @property
    def acknowledged(self) -> dict[str, float]:
        """When, by the id that the sink sees; what is not even stored keeps the sender's."""
        return {
            self.ids.get(id, id): at for log in self.logs for id, at in log.acknowledged.items()
        }

    def kills_of(self, arrival: Arrival) -> list[float]:
        """Return when the process that made this request was killed.

        A connection that was never seen open was gone when the next sample ended, so only a kill
        before that can have ended its process.
        """
        pid = self.owners.owner(arrival.port, arrival.at)
        if pid is not None:
            return [kill.at for kill in self.kills if pid in kill.pids]
        begin, end = arrival.at - ON_ITS_WAY, self.owners.unseen_until(arrival.at)
        return [kill.at for kill in self.kills if kill.hits_worker and begin <= kill.at <= end]


def crashes_by_id() -> dict[str, list[float]]:
    crash_times: defaultdict[str, list[float]] = defaultdict(list)
    for attempt in (
        Attempt.unscoped.filter(reason="crashed").select_related("delivery").order_by("started_at")
    ):
        crash_times[attempt.delivery.message_id].append(clocks.monotonic(attempt.started_at))
    return crash_times


def replacements(owners: SocketOwners) -> Iterator[Kill]:
    """Yield a kill for each pool that a worker replaced: it ends what is left of its processes
    then, not those that ended long before.
    """
    for replacement in Replacement.objects.all():
        replaced_at = clocks.monotonic(replacement.at)
        span = (replaced_at - REPLACED_WITHIN, replaced_at + REPLACED_WITHIN)
        lifetimes = owners.ended_since(replacement.pool, *span)
        pids = frozenset(lifetime.pid for lifetime in lifetimes)
        for at in {lifetime.ended_by for lifetime in lifetimes} or {replaced_at}:
            yield Kill(at, f"({replacement.why})", pids)
