"""Compare what was published with what people changed; pure."""

from collections import Counter, defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# a message of Salesforce has the values of when it is sent: a write within this time changes them
SENT_WITHIN = 3.0  # seconds after a change
CLOCK_STEP = 1.0  # seconds: two processes state the same time differently, some in whole ones
ANSWERED_WITHIN = 1.0  # seconds after a call: the answer states the time of the write
ACCEPTED = range(200, 300)  # statuses
BAN_FAILURES = 10  # failed first attempts in a row: Pipedrive then sends nothing for half an hour
OTHER_SIDE = {"salesforce": "pipedrive", "pipedrive": "salesforce"}

Mark = str  # the first word of a name: records of both systems have it in common


@dataclass(frozen=True, slots=True)
class Change:
    """A change that a person made; `field` is empty for a creation."""

    system: str
    object: str  # in the words of the hub's events
    record: str
    kind: str  # created or updated
    field: str
    value: str
    at: float  # seconds since 1970
    user: str = ""

    @property
    def type(self) -> str:
        return f"{self.system}.{self.object}.{self.kind}"


@dataclass(frozen=True, slots=True)
class Published:
    """An event that the hub published, with the values of the record."""

    type: str
    record: str
    values: Mapping[str, Any]
    changed: frozenset[str] | None  # fields; None: the system does not tell
    at: float
    changed_at: float  # when the record had been changed last, by the system's clock


@dataclass(frozen=True, slots=True)
class Attempt:
    """A webhook that a system sent; `status` 0: no answer arrived in time."""

    system: str
    object: str
    delivery: str
    number: int
    status: int
    at: float


@dataclass(frozen=True, slots=True)
class Write:
    """A record that a call of an API wrote."""

    system: str
    mark: Mark
    at: float


@dataclass(slots=True)
class Truth:
    """What people changed, what the hub wrote, and of which types of events the hub is told.

    `marks`: of all records that people created; `mark_of`: of each record, by object and id.
    `bans`: the objects of Pipedrive whose webhook was banned, each with the time from which on
    changes may not have been sent. `connected`: the user of Salesforce as whom the hub writes.
    """

    registered: frozenset[str]
    changes: list[Change] = field(default_factory=list)
    writes: Sequence[Write] = ()
    connected: str = ""
    marks: set[Mark] = field(default_factory=set)
    mark_of: Mapping[tuple[str, str], Mark] = field(default_factory=dict)
    bans: Mapping[str, float] = field(default_factory=dict)

    @property
    def told(self) -> list[Change]:
        """Return the changes of which the systems tell the hub."""
        return [change for change in self.changes if change.type in self.registered]

    @property
    def sent(self) -> list[Change]:
        """Return the changes of which the systems told the hub: no ban prevented it."""
        return [change for change in self.told if not self._is_banned(change)]

    def _is_banned(self, change: Change) -> bool:
        banned_from = self.bans.get(change.object) if change.system == "pipedrive" else None
        return banned_from is not None and change.at >= banned_from


def find_bans(attempts: Sequence[Attempt]) -> dict[str, float]:
    """Return the objects whose webhooks Pipedrive banned for the hub's answers, each with the time
    from which on changes may not have been sent: of what had failed, the retries are dropped, too.
    """
    bans: dict[str, float] = {}
    failures = Counter[str]()
    waiting: dict[str, dict[str, float]] = defaultdict(dict)  # when it was sent, by delivery
    for attempt in attempts:
        if attempt.system != "pipedrive":
            continue
        if attempt.status in ACCEPTED:
            failures[attempt.object] = 0
            waiting[attempt.object].pop(attempt.delivery, None)
            continue
        waiting[attempt.object].setdefault(attempt.delivery, attempt.at)
        failures[attempt.object] += attempt.number == 1
        if failures[attempt.object] >= BAN_FAILURES:
            bans.setdefault(attempt.object, min(waiting[attempt.object].values()) - SENT_WITHIN)
    return bans


def find_swallowed(truth: Truth, published: Sequence[Published]) -> list[Change]:
    """Return the changes that no event tells. An event tells one change.

    A change at Salesforce that was changed again before its message was sent cannot be told, nor
    can one that the connected person makes while the hub writes the record, whose echo tells the
    same: it takes no event from another change, although a later event may have its value, too.
    """
    events: dict[tuple[str, str], list[Published]] = defaultdict(list)
    for event in sorted(published, key=lambda event: event.at):
        events[event.type, event.record].append(event)
    swallowed = []
    for change in sorted(truth.sent, key=lambda change: change.at):
        if _is_indistinguishable(change, truth):
            continue
        candidates = events[change.type, change.record]
        match = next((event for event in candidates if _tells(event, change)), None)
        if match is not None:
            candidates.remove(match)
        else:
            swallowed.append(change)
    return swallowed


def find_unjudged(truth: Truth) -> list[Change]:
    """Return the changes that find_swallowed() excuses, whether an event tells them or not."""
    return [change for change in truth.sent if _is_indistinguishable(change, truth)]


def count_extra_writes(truth: Truth, published: Sequence[Published]) -> Counter[tuple[str, str]]:
    """Return how many more events than changes there are, by type and record.

    Each event is at most one write to the other system, as each has at most one route.
    """
    writes = Counter((change.type, change.record) for change in truth.told)
    return Counter((event.type, event.record) for event in published) - writes


def count_repeated_writes(truth: Truth, routed: Container[str]) -> Counter[tuple[str, Mark]]:
    """Return how many more writes a system got than there are changes at the other one.

    `routed`: the types of changes that a route takes.
    """
    allowed = Counter(
        (OTHER_SIDE[change.system], truth.mark_of.get((change.object, change.record), ""))
        for change in truth.changes
        if change.type in routed
    )
    return Counter((write.system, write.mark) for write in truth.writes) - allowed


def _tells(event: Published, change: Change) -> bool:
    if event.changed_at < change.at - CLOCK_STEP:
        return False
    if not change.field:
        return True
    is_changed = event.changed is None or change.field in event.changed
    return is_changed and str(event.values.get(change.field)) == change.value


def _is_indistinguishable(change: Change, truth: Truth) -> bool:
    """Return whether the record may have been written again before its message was sent, or was
    written by the hub, as the same user, in the second of the change (docs/limitations.md).
    """
    if change.system != "salesforce":
        return False
    until = change.at + SENT_WITHIN
    is_as_connected = change.user == truth.connected
    since = change.at - (CLOCK_STEP + ANSWERED_WITHIN if is_as_connected else 0)
    by_people = any(
        other.record == change.record and change.at < other.at <= until for other in truth.changes
    )
    mark = truth.mark_of.get((change.object, change.record))
    by_hub = any(
        write.system == "salesforce" and write.mark == mark and since <= write.at <= until
        for write in truth.writes
    )
    return by_people or by_hub
