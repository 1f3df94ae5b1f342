"""Confirm and remove identities, the pairs of our record and the other system's, audited."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from hub.audit import ActorContext
from hub.connections.models import Connection
from hub.mappings.models import Identity
from hub.queue import wake_up

PairKey = tuple[str, str]  # kind and id, of ours or of theirs
ConfirmedKey = tuple[str, str, str]  # kind, their id and our id
MAX_LENGTHS = {"kind": 60, "local_id": 200, "remote_id": 200, "name": 200}
REQUIRED_FIELDS = ("kind", "local_id", "remote_id")
SET_COLUMNS = (
    "remote_id",
    "name",
    "state",
    "source",
    "confidence",
    "conflict",
    "evidence",
    "is_exclusive",
    "updated_at",
)


@dataclass(frozen=True, slots=True)
class Pair:
    """Our record and the other system's; `name` is that of the other system, for display only."""

    kind: str
    local_id: str
    remote_id: str
    name: str = ""
    source: str = Identity.Source.HAND
    confidence: float | None = None

    @property
    def local_key(self) -> PairKey:
        return self.kind, self.local_id

    @property
    def remote_key(self) -> PairKey:
        return self.kind, self.remote_id


def set_identity(
    connection: Connection,
    kind: str,
    local_id: str,
    remote_id: str,
    actor: ActorContext,
    *,
    name: str = "",
    source: str = Identity.Source.HAND,
    now: datetime,
) -> Identity:
    """Confirm the record of the other system for one of ours; an existing identity is replaced.

    Raises ValidationError by field if the kind is paired one to one, and the other record is paired
    with another one of ours.
    """
    pair = Pair(kind, local_id, remote_id, name, source)
    return set_identities(connection, [pair], actor, now=now)[0]


@transaction.atomic
def set_identities(
    connection: Connection, pairs: Sequence[Pair], actor: ActorContext, *, now: datetime
) -> list[Identity]:
    """Confirm pairs of different records, in a fixed number of queries; identities are replaced.

    Deliveries and items held for them are released. Raises ValidationError by field, and confirms
    none, if one of them cannot be confirmed.
    """
    for pair in pairs:
        if problems := find_pair_problems(connection, pair):
            raise ValidationError(problems)
    lock_identities(connection)
    for owner in find_owners(connection, pairs).values():
        raise ValidationError({"remote_id": describe_pair_conflict(owner)})
    stored = _find_by_local_key(connection, pairs)
    before = {key: _describe(identity) for key, identity in stored.items()}
    identities = [
        _confirm(stored.get(pair.local_key) or Identity(connection=connection), pair, now=now)
        for pair in pairs
    ]
    # records may be exchanged between ours, and the database checks each row by itself
    if exclusive_ids := [identity.pk for identity in stored.values() if identity.is_exclusive]:
        Identity.unscoped.filter(pk__in=exclusive_ids).update(is_exclusive=False)
    for identity in identities:
        identity.is_exclusive = connection.connector.is_one_to_one(identity.kind)
    Identity.unscoped.bulk_update(stored.values(), SET_COLUMNS)
    Identity.unscoped.bulk_create([entry for entry in identities if entry.pk is None])
    _withdraw_suggestions(connection, pairs, now=now)
    wake_up("drain", now=now)  # deliveries that were held before it may go
    _audit_pairs(connection, pairs, before, actor, now=now)
    return identities


def find_pair_problems(connection: Connection, pair: Pair) -> dict[str, str]:
    """Return why the texts of a pair cannot be stored, by field; the same for every entry point.

    Control characters are refused, as neither a list's cursor nor a request of another system can
    contain them.
    """
    problems = {
        field: problem
        for field, length in MAX_LENGTHS.items()
        if (problem := find_text_problem(field, getattr(pair, field), length))
    }
    problems |= {
        field: _("%(column)s is empty.") % {"column": field}
        for field in REQUIRED_FIELDS
        if not getattr(pair, field)
    }
    choices = connection.connector.list_choices_by_kind.get(pair.kind)
    if choices and not problems and (problem := choices.find_id_problem(pair.remote_id)):
        problems["remote_id"] = problem
    return problems


def find_text_problem(field: str, text: str, length: int) -> str:
    """Return why a text is not a valid value of a field; "" if it is."""
    if len(text) > length:
        problem = _("%(column)s is longer than %(length)s characters.")
        return problem % {"column": field, "length": length}
    if not text.isprintable():
        return _("%(column)s contains a character that cannot be shown.") % {"column": field}
    return ""


def lock_identities(connection: Connection) -> None:
    """Serialize changes of the connection's identities until the end of the transaction."""
    Connection.unscoped.select_for_update(of=("self",), no_key=True).get(pk=connection.pk)


def find_owners(connection: Connection, pairs: Sequence[Pair]) -> dict[PairKey, str]:
    """Return our ids that are paired with the other records of these pairs, by kind and remote id.

    Only for kinds that are paired one to one; one query.
    """
    exclusive = _select_exclusive(connection, pairs)
    return _compare_owners(exclusive, _load_confirmed(connection, exclusive))


def divide_pairs(
    connection: Connection, pairs: Sequence[Pair]
) -> tuple[list[Pair], dict[PairKey, str]]:
    """Return pairs that can be confirmed together, and the reasons of others by local key.

    One query. A local record whose pair is left out keeps its present remote record, so a pair with
    that remote record is left out, too.
    """
    confirmed = _load_confirmed(connection, _select_exclusive(connection, pairs))
    free, problems = list(pairs), dict[PairKey, str]()
    while owners := _compare_owners(_select_exclusive(connection, free), confirmed):
        for pair in free:
            owner = owners.get(pair.remote_key)
            if owner is not None and owner != pair.local_id:
                problems[pair.local_key] = describe_pair_conflict(owner)
        free = [pair for pair in free if pair.local_key not in problems]
    return free, problems


def _select_exclusive(connection: Connection, pairs: Iterable[Pair]) -> list[Pair]:
    """Return the pairs of kinds that are paired one to one."""
    return [pair for pair in pairs if connection.connector.is_one_to_one(pair.kind)]


def _load_confirmed(connection: Connection, pairs: Sequence[Pair]) -> list[ConfirmedKey]:
    """Load the confirmed identities of the other records of these pairs."""
    if not pairs:
        return []
    confirmed = Identity.confirmed().filter(
        connection=connection,
        kind__in={pair.kind for pair in pairs},
        remote_id__in={pair.remote_id for pair in pairs},
    )
    return list(confirmed.values_list("kind", "remote_id", "local_id"))


def _compare_owners(
    exclusive: Sequence[Pair], confirmed: Iterable[ConfirmedKey]
) -> dict[PairKey, str]:
    local_keys = {pair.local_key for pair in exclusive}
    owners: dict[PairKey, str] = {
        (kind, remote_id): local_id
        for kind, remote_id, local_id in confirmed
        if (kind, local_id) not in local_keys  # it is replaced by this very change
    }
    taken: dict[PairKey, str] = {}
    seen: dict[PairKey, str] = {}
    for pair in exclusive:
        other = owners.get(pair.remote_key) or seen.setdefault(pair.remote_key, pair.local_id)
        if other != pair.local_id:
            taken[pair.remote_key] = other
    return taken


def describe_pair_conflict(local_id: str) -> str:
    """Return the error text for a record that is paired with another record of ours."""
    return _("Already paired with %(local_id)s. Remove that pair first.") % {"local_id": local_id}


def _find_by_local_key(connection: Connection, pairs: Sequence[Pair]) -> dict[PairKey, Identity]:
    candidates = Identity.unscoped.filter(
        connection=connection,
        kind__in={pair.kind for pair in pairs},
        local_id__in={pair.local_id for pair in pairs},
    )
    found = {(identity.kind, identity.local_id): identity for identity in candidates}
    return {pair.local_key: found[pair.local_key] for pair in pairs if pair.local_key in found}


def _confirm(identity: Identity, pair: Pair, *, now: datetime) -> Identity:
    """Change an identity in memory to the confirmed pair; nothing is saved."""
    if identity.pk is None:
        identity.kind, identity.local_id, identity.created_at = pair.kind, pair.local_id, now
    identity.remote_id, identity.name, identity.source = pair.remote_id, pair.name, pair.source
    identity.state, identity.confidence = Identity.State.CONFIRMED, pair.confidence
    identity.conflict, identity.evidence, identity.updated_at = "", None, now
    return identity


def _withdraw_suggestions(connection: Connection, pairs: Sequence[Pair], *, now: datetime) -> None:
    """Remove records that are confirmed now from the suggestions for other records of ours."""
    kinds = {pair.kind for pair in pairs if connection.connector.is_one_to_one(pair.kind)}
    if not kinds:
        return
    suggested = Identity.unscoped.filter(
        connection=connection,
        state=Identity.State.SUGGESTED,
        kind__in=kinds,
        remote_id__in={pair.remote_id for pair in pairs},
    )
    suggested.update(
        state=Identity.State.UNMATCHED,
        remote_id="",
        name="",
        confidence=None,
        evidence=None,
        updated_at=now,
    )


def _describe(identity: Identity) -> dict[str, Any]:
    is_confirmed = identity.state == Identity.State.CONFIRMED
    state = {} if is_confirmed else {"state": identity.state}
    return {"remote_id": identity.remote_id, **state}


def _audit_pairs(
    connection: Connection,
    pairs: Sequence[Pair],
    before: Mapping[PairKey, Mapping[str, Any]],
    actor: ActorContext,
    *,
    now: datetime,
) -> None:
    """Write one audit row: of the pair, or of all pairs that were confirmed together."""
    confirmed = [
        {"kind": pair.kind, "local_id": pair.local_id, "remote_id": pair.remote_id}
        for pair in pairs
    ]
    if len(pairs) == 1:
        earlier = before.get(pairs[0].local_key)
        actor.audit("connection.identify", connection, before=earlier, after=confirmed[0], now=now)
    elif pairs:
        after = {"count": len(pairs), "pairs": confirmed}
        actor.audit("connection.identify", connection, after=after, now=now)


@transaction.atomic
def remove_identity(identity: Identity, actor: ActorContext, *, now: datetime) -> None:
    """Remove the identity; deliveries that need it from now on are held."""
    details = {
        "kind": identity.kind,
        "local_id": identity.local_id,
        "remote_id": identity.remote_id,
    }
    connection = identity.connection
    identity.delete()
    actor.audit("connection.forget", connection, before=details, now=now)
