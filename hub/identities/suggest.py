"""Suggest pairs for the people of a connection, and find conflicts of confirmed pairs.

Nothing is confirmed here: see `review`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q

from connectors.directories import USER, Person
from hub.audit import ActorContext
from hub.connections.models import Connection
from hub.identities.conflicts import SUGGESTION_CONFLICTS, find_conflicts
from hub.identities.matching import BEST_IS_PAIRED, Candidate, Suggestion, match_people
from hub.identities.models import DirectoryEntry, DirectoryRead, LocalUser
from hub.mappings.identity_pairs import lock_identities
from hub.mappings.models import Identity
from hub.outgoing.insight.missing_identities import list_missing_identities

CANDIDATES_SHOWN = 5
BATCH_ROWS = 1_000  # that are stored in one transaction
Row = TypeVar("Row")
WRITTEN_COLUMNS = (
    "remote_id",
    "name",
    "state",
    "source",
    "confidence",
    "conflict",
    "evidence",
    "updated_at",
)
DECIDED_STATES = (Identity.State.CONFIRMED, Identity.State.IGNORED)


@dataclass(frozen=True, slots=True)
class SuggestionCounts:
    """How many of our people are in each state, and how many pairs have a conflict."""

    confirmed: int
    suggested: int
    ambiguous: int
    unmatched: int
    ignored: int
    conflicts: int


@dataclass(frozen=True, slots=True)
class People:
    """The people of both sides of a connection."""

    local: Sequence[Person]
    remote: Sequence[Person]
    # ids of ours that only events have named
    event_ids: frozenset[str]

    @property
    def remote_by_id(self) -> Mapping[str, Person]:
        return {person.id: person for person in self.remote}


def suggest_identities(
    connection: Connection, actor: ActorContext, *, now: datetime
) -> SuggestionCounts:
    """Match the people of both sides, and store the result for each of ours.

    Each thousand is stored by itself, so that others can write meanwhile; a run that was killed is
    repeated. Decisions by people are not changed. People of ours who occur in events, but in no
    list, are matched by the form of their id. The number of queries grows only with the thousands
    of people.
    """
    people = load_people(connection)
    decided = _load_identities(connection, states=DECIDED_STATES)
    confirmed = {
        entry.local_id: entry.remote_id
        for entry in decided
        if entry.state == Identity.State.CONFIRMED
    }
    ignored = {entry.local_id for entry in decided} - confirmed.keys()
    suggestions = match_people(people.local, people.remote, confirmed=confirmed, ignored=ignored)
    for batch in _split(suggestions):
        _store_suggestions(connection, batch, people, now=now)
    _delete_outdated(connection, {entry.local_id for entry in suggestions})
    _store_conflicts(connection, people)
    counts = count_suggestions(connection)
    after = {
        "suggested": counts.suggested,
        "ambiguous": counts.ambiguous,
        "unmatched": counts.unmatched,
        "conflicts": counts.conflicts,
    }
    with transaction.atomic():
        actor.audit("connection.suggest_identities", connection, after=after, now=now)
    return counts


def suggest_after_read(read_id: int, *, now: datetime) -> None:
    """Suggest pairs after a complete read, unless this was done.

    For the connection of the read; after a read of our users, for all of the tenant's connections
    with a directory.
    """
    unused = DirectoryRead.unscoped.filter(
        pk=read_id, state=DirectoryRead.State.COMPLETE, suggested_at=None
    )
    read = unused.select_related("tenant").first()
    if read is None:
        return
    entries = DirectoryEntry.unscoped.filter(connection=OuterRef("pk"))
    connections = Connection.objects.of(read.tenant).filter(Exists(entries))
    if read.connection_id is not None:
        connections = connections.filter(pk=read.connection_id)
    for connection in connections.select_related("tenant"):
        suggest_identities(connection, ActorContext.system(), now=now)
    unused.filter(started_at=read.started_at).update(suggested_at=now)


def load_people(connection: Connection) -> People:
    """Load the people of both sides; four queries."""
    users = LocalUser.objects.of(connection.tenant).order_by("user_id")
    local = [user.to_person() for user in users]
    known_ids = {person.id for person in local}
    event_ids = [
        missing.local_id
        for missing in list_missing_identities([], connection)
        if missing.kind == USER and missing.local_id not in known_ids
    ]
    local += [_build_person_of_id(local_id) for local_id in event_ids]
    entries = DirectoryEntry.unscoped.filter(connection=connection, kind=USER)
    remote = [entry.to_person() for entry in entries.order_by("remote_id")]
    return People(local, remote, frozenset(event_ids))


def count_suggestions(connection: Connection) -> SuggestionCounts:
    """Count the identities of people by state; one query."""
    rows = Identity.unscoped.filter(connection=connection, kind=USER).order_by()
    counts = rows.values("state").annotate(
        count=Count("pk"), conflicts=Count("pk", filter=~Q(conflict=""))
    )
    states: dict[str, int] = dict.fromkeys(Identity.State.values, 0)
    states |= {row["state"]: row["count"] for row in counts}
    return SuggestionCounts(**states, conflicts=sum(row["conflicts"] for row in counts))


def _build_person_of_id(local_id: str) -> Person:
    is_address = "@" in local_id
    return Person(
        local_id, email=local_id if is_address else "", login="" if is_address else local_id
    )


def _load_identities(
    connection: Connection, states: Iterable[str] = Identity.State.values
) -> list[Identity]:
    rows = Identity.unscoped.filter(connection=connection, kind=USER, state__in=states)
    return list(rows)


# --- what is stored -------------------------------------------------------------------------------


@transaction.atomic
def _store_suggestions(
    connection: Connection, suggestions: Sequence[Suggestion], people: People, *, now: datetime
) -> None:
    """Store the suggestions of some of our people, except those whom a person decided meanwhile."""
    lock_identities(connection)
    rows = Identity.unscoped.filter(connection=connection, kind=USER)
    local_ids = [suggestion.local_id for suggestion in suggestions]
    stored = {entry.local_id: entry for entry in rows.filter(local_id__in=local_ids)}
    candidate_ids = {entry.remote_id for each in suggestions for entry in each.candidates}
    paired = rows.filter(state=Identity.State.CONFIRMED, remote_id__in=candidate_ids)
    paired_ids = set(paired.values_list("remote_id", flat=True))
    remote = people.remote_by_id
    changed: list[Identity] = []
    for suggestion in suggestions:
        identity = stored.get(suggestion.local_id)
        if identity is not None and identity.state in DECIDED_STATES:
            continue
        identity = identity or Identity(
            connection=connection, kind=USER, local_id=suggestion.local_id, created_at=now
        )
        columns = _build_columns(suggestion, remote, paired_ids, people.event_ids)
        if identity.pk is None or any(
            getattr(identity, name) != value for name, value in columns.items()
        ):
            changed.append(_set_columns(identity, columns, now=now))
    _write_identities(changed)


def _delete_outdated(connection: Connection, suggested_ids: set[str]) -> None:
    """Delete the undecided rows of local people who no longer exist."""
    rows = Identity.unscoped.filter(connection=connection, kind=USER)
    rows = rows.exclude(state__in=DECIDED_STATES)
    ids = rows.values_list("pk", "local_id")
    gone = [pk for pk, local_id in ids if local_id not in suggested_ids]
    for batch in _split(gone):
        with transaction.atomic():
            lock_identities(connection)
            rows.filter(pk__in=batch).delete()


def _set_columns(identity: Identity, columns: Mapping[str, Any], *, now: datetime) -> Identity:
    for name, value in columns.items():
        setattr(identity, name, value)
    identity.updated_at = now
    return identity


def _write_identities(identities: Sequence[Identity]) -> None:
    for identity in identities:
        identity.pk = None  # one statement for new and changed ones
    Identity.unscoped.bulk_create(
        identities,
        batch_size=BATCH_ROWS,
        update_conflicts=True,
        unique_fields=("connection", "kind", "local_id"),
        update_fields=WRITTEN_COLUMNS,
    )


def _build_columns(
    suggestion: Suggestion,
    remote: Mapping[str, Person],
    paired_ids: set[str],
    event_ids: frozenset[str],
) -> dict[str, Any]:
    """Return the columns of an undecided identity."""
    suggestion = _exclude_paired_candidates(suggestion, paired_ids)
    candidates = suggestion.candidates
    is_conflict = suggestion.state == "ambiguous" and suggestion.reason in SUGGESTION_CONFLICTS
    best = candidates[0] if suggestion.state == "suggested" else None
    unmatched_source = (
        Identity.Source.FIRST_EVENT if suggestion.local_id in event_ids else Identity.Source.IMPORT
    )
    described = [_describe(entry, remote[entry.remote_id]) for entry in candidates]
    return {
        "remote_id": best.remote_id if best else "",
        "name": remote[best.remote_id].name if best else "",
        "state": suggestion.state,
        "source": candidates[0].source if candidates else unmatched_source,
        "confidence": candidates[0].confidence if candidates else None,
        "conflict": suggestion.reason if is_conflict else "",
        "evidence": {"reason": suggestion.reason, "candidates": described[:CANDIDATES_SHOWN]},
    }


def _exclude_paired_candidates(suggestion: Suggestion, paired_ids: set[str]) -> Suggestion:
    """Return a suggestion without people who were paired meanwhile.

    The second-best candidate does not become a sure match because the best one is taken.
    """
    candidates = tuple(
        entry for entry in suggestion.candidates if entry.remote_id not in paired_ids
    )
    if candidates == suggestion.candidates:
        return suggestion
    is_best_paired = suggestion.candidates[0].remote_id in paired_ids
    return replace(
        suggestion,
        state="ambiguous" if candidates else "unmatched",
        reason=BEST_IS_PAIRED if is_best_paired else suggestion.reason,
        candidates=candidates,
    )


def _describe(candidate: Candidate, person: Person) -> dict[str, Any]:
    return {
        "remote_id": person.id,
        "name": person.name,
        "email": person.email,
        "is_active": person.is_active,
        "source": candidate.source,
        "reason": candidate.reason,
        "confidence": candidate.confidence,
    }


def _store_conflicts(connection: Connection, people: People) -> None:
    """Store the conflicts of confirmed pairs, except those that a person has accepted."""
    confirmed = _load_identities(connection, states=[Identity.State.CONFIRMED])
    changed: list[tuple[Identity, str, Any]] = []
    for identity, conflict in find_conflicts(confirmed, people.local, people.remote):
        accepted = (identity.evidence or {}).get("accepted")
        code = "" if conflict is None or conflict.fingerprint == accepted else conflict.code
        evidence = conflict.to_evidence(accepted) if conflict else None
        is_outdated = bool(code) and identity.evidence != evidence
        if identity.conflict != code or is_outdated:
            changed.append((identity, code, evidence))
    for batch in _split(changed):
        _write_conflicts(connection, batch)


@transaction.atomic
def _write_conflicts(connection: Connection, batch: Sequence[tuple[Identity, str, Any]]) -> None:
    """Store these conflicts, except of pairs that a person changed meanwhile."""
    lock_identities(connection)
    stored = Identity.unscoped.in_bulk([identity.pk for identity, _code, _evidence in batch])
    changed = []
    for read, code, evidence in batch:
        identity = stored.get(read.pk)
        if identity and _pair_state(identity) == _pair_state(read):
            identity.conflict, identity.evidence = code, evidence
            changed.append(identity)
    Identity.unscoped.bulk_update(changed, ("conflict", "evidence"))


def _pair_state(identity: Identity) -> tuple[Any, ...]:
    return identity.state, identity.remote_id, identity.conflict, identity.evidence


def _split(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    return (rows[start : start + BATCH_ROWS] for start in range(0, len(rows), BATCH_ROWS))
