"""The queue of a review: its identities, with the data that a person needs to decide."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from connectors.directories import USER
from hub.connections.models import Connection
from hub.identities.models import DirectoryEntry, LocalUser
from hub.identities.review.texts import CONFLICT_TEXTS, REASONS, ConflictText, Text
from hub.mappings.models import Identity

CONFLICTS = "conflicts"  # confirmed pairs that look wrong
QUEUES = (
    *(Identity.State.SUGGESTED, Identity.State.AMBIGUOUS, Identity.State.UNMATCHED),
    *(CONFLICTS, Identity.State.IGNORED),
)
PEOPLE_OFFERED = 1_000  # entries of a directory that a page offers to choose from


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """An identity of the queue, with the people of both sides from the directories."""

    identity: Identity
    ours: LocalUser | None
    theirs: DirectoryEntry | None
    candidates: Sequence[DirectoryEntry]
    reason: Text
    conflict: ConflictText | None

    @property
    def percent(self) -> int | None:
        """Return the confidence in percent, rounded down."""
        confidence = self.identity.confidence
        return None if confidence is None else int(confidence * 100)


def select_queue(connection: Connection, queue: str) -> QuerySet[Identity]:
    """Return the identities of a queue of people, by local id. Raises LookupError if unknown."""
    identities = Identity.unscoped.filter(connection=connection, kind=USER).order_by("local_id")
    if queue == CONFLICTS:
        return identities.exclude(conflict="").filter(state=Identity.State.CONFIRMED)
    if queue not in QUEUES:
        raise LookupError(queue)
    return identities.filter(state=queue)


def match_people_named(connection: Connection, term: str) -> Q:
    """Match the identities of our users whose id, name or address begins with the text."""
    if not term:
        return Q()
    users = LocalUser.objects.of(connection.tenant).filter(
        Q(name__istartswith=term) | Q(email__istartswith=term)
    )
    return Q(local_id__startswith=term) | Q(local_id__in=users.values("user_id"))


def build_review_rows(connection: Connection, identities: Sequence[Identity]) -> list[ReviewRow]:
    """Build the rows of a page, in two queries."""
    users = {
        user.user_id: user
        for user in LocalUser.objects.of(connection.tenant).filter(
            user_id__in=[identity.local_id for identity in identities]
        )
    }
    remote_ids = {remote_id for identity in identities for remote_id in _list_remote_ids(identity)}
    entries = load_directory_entries(connection, remote_ids)
    return [_build_row(identity, users, entries) for identity in identities]


def list_people_offered(connection: Connection) -> list[DirectoryEntry]:
    """Return the active people of the system, by name, for a person to choose from."""
    entries = DirectoryEntry.unscoped.filter(connection=connection, kind=USER, is_active=True)
    return list(entries.exclude(is_shared=True).order_by("name", "remote_id")[:PEOPLE_OFFERED])


def _build_row(
    identity: Identity, users: Mapping[str, LocalUser], entries: Mapping[str, DirectoryEntry]
) -> ReviewRow:
    evidence = identity.evidence or {}
    candidates = [entries[id] for id in _list_candidate_ids(identity) if id in entries]
    return ReviewRow(
        identity,
        users.get(identity.local_id),
        entries.get(identity.remote_id),
        candidates,
        REASONS.get(evidence.get("reason", ""), REASONS[""]),
        CONFLICT_TEXTS.get(identity.conflict),
    )


def _list_candidate_ids(identity: Identity) -> list[str]:
    candidates = (identity.evidence or {}).get("candidates", [])
    return [candidate["remote_id"] for candidate in candidates]


def _list_remote_ids(identity: Identity) -> Iterable[str]:
    return filter(None, (identity.remote_id, *_list_candidate_ids(identity)))


def load_directory_entries(
    connection: Connection, remote_ids: Iterable[str]
) -> dict[str, DirectoryEntry]:
    """Return the people of the system with these ids, by id."""
    entries = DirectoryEntry.unscoped.filter(
        connection=connection, kind=USER, remote_id__in=list(remote_ids)
    )
    return {entry.remote_id: entry for entry in entries}
