"""The decisions of a review: confirm, ignore, reopen, and keep a pair with a conflict."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from connectors.directories import USER
from hub.audit import ActorContext
from hub.connections.models import Connection
from hub.identities.models import DirectoryEntry
from hub.mappings.identity_pairs import (
    Pair,
    divide_pairs,
    find_pair_problems,
    lock_identities,
    set_identities,
)
from hub.mappings.models import Identity

DECISIONS_MAX = 200  # decisions at a time
State = Identity.State


@dataclass(frozen=True, slots=True)
class ReviewResult:
    """The result of a decision: the local ids that were changed, and errors by local id."""

    changed: tuple[str, ...]
    errors: Mapping[str, str]


@transaction.atomic
def confirm_identities(
    connection: Connection,
    choices: Mapping[str, str],
    actor: ActorContext,
    *,
    kind: str = USER,
    now: datetime,
) -> ReviewResult:
    """Confirm one pair for each of our records, by its id; release what was held for them.

    A choice is the id of the other system's record; "" selects the suggested one. A pair that
    cannot be confirmed has an error, and does not stop the others. The number of queries is fixed.
    """
    lock_identities(connection)
    errors: dict[str, str] = {}
    stored = _load_by_local_id(connection, kind, choices)
    names = _load_names(connection, kind, choices, stored)
    pairs = []
    for local_id, remote_id in choices.items():
        identity = stored.get(local_id)
        chosen_id = remote_id or (identity.remote_id if identity else "")
        pair = _build_pair(kind, local_id, chosen_id, identity, names)
        if problem := _find_problem(connection, identity, pair):
            errors[local_id] = problem
        else:
            pairs.append(pair)
    free, problems = divide_pairs(connection, pairs)
    errors |= {local_id: problem for (_kind, local_id), problem in problems.items()}
    if free:
        set_identities(connection, free, actor, now=now)
    return ReviewResult(tuple(pair.local_id for pair in free), errors)


def ignore_identities(
    connection: Connection,
    local_ids: Iterable[str],
    actor: ActorContext,
    *,
    kind: str = USER,
    now: datetime,
) -> ReviewResult:
    """Remove our records without a counterpart from the queue; confirmed pairs stay."""

    def ignore(identities: QuerySet[Identity]) -> list[str]:
        undecided = identities.exclude(state__in=(State.CONFIRMED, State.IGNORED))
        empty = {"remote_id": "", "name": "", "confidence": None, "conflict": ""}
        return _update_identities(undecided, state=State.IGNORED, updated_at=now, **empty)

    return _decide(
        connection,
        local_ids,
        actor,
        kind=kind,
        change=ignore,
        verb="connection.ignore_identities",
        refusal=_("This is not in the queue: it is confirmed, ignored already, or unknown."),
        now=now,
    )


def reopen_identities(
    connection: Connection,
    local_ids: Iterable[str],
    actor: ActorContext,
    *,
    kind: str = USER,
    now: datetime,
) -> ReviewResult:
    """Return ignored records of ours to the queue, so that they get suggestions again."""

    def reopen(identities: QuerySet[Identity]) -> list[str]:
        ignored = identities.filter(state=State.IGNORED)
        return _update_identities(ignored, state=State.UNMATCHED, updated_at=now)

    return _decide(
        connection,
        local_ids,
        actor,
        kind=kind,
        change=reopen,
        verb="connection.reopen_identities",
        refusal=_("This is not ignored."),
        now=now,
    )


def keep_identities(
    connection: Connection,
    local_ids: Iterable[str],
    actor: ActorContext,
    *,
    kind: str = USER,
    now: datetime,
) -> ReviewResult:
    """Accept the conflicts of confirmed pairs as correct.

    The same conflict is not shown again; a different one is.
    """
    return _decide(
        connection,
        local_ids,
        actor,
        kind=kind,
        change=_accept_conflicts,
        verb="connection.keep_identities",
        refusal=_("This pair has no conflict."),
        now=now,
    )


@transaction.atomic
def _decide(
    connection: Connection,
    local_ids: Iterable[str],
    actor: ActorContext,
    *,
    kind: str,
    change: Callable[[QuerySet[Identity]], list[str]],
    verb: str,
    refusal: str,
    now: datetime,
) -> ReviewResult:
    """Change the identities to which a decision applies, audit it, and return the others' errors.

    `change` returns the ids of our records whose identities it changed.
    """
    lock_identities(connection)
    wanted = list(dict.fromkeys(local_ids))
    identities = Identity.unscoped.filter(connection=connection, kind=kind, local_id__in=wanted)
    changed = change(identities)
    if changed:
        actor.audit(verb, connection, after={"kind": kind, "local_ids": changed}, now=now)
    return ReviewResult(tuple(changed), dict.fromkeys(set(wanted) - set(changed), refusal))


def _update_identities(identities: QuerySet[Identity], **values: Any) -> list[str]:
    """Update the identities, which are locked, and return the ids of our records in them."""
    local_ids = list(identities.values_list("local_id", flat=True))
    identities.update(**values)
    return local_ids


def _accept_conflicts(identities: QuerySet[Identity]) -> list[str]:
    """Accept the conflicts of the confirmed identities, and return the ids of their records."""
    accepted = list(identities.filter(state=State.CONFIRMED).exclude(conflict=""))
    for identity in accepted:
        evidence = identity.evidence or {}
        if evidence.get("reason") == "renamed":
            identity.name = evidence.get("detail") or identity.name
        identity.conflict = ""
        identity.evidence = {"accepted": evidence.get("fingerprint", "")}
    Identity.unscoped.bulk_update(accepted, ("name", "conflict", "evidence"))
    return [identity.local_id for identity in accepted]


def _load_by_local_id(
    connection: Connection, kind: str, local_ids: Iterable[str]
) -> dict[str, Identity]:
    rows = Identity.unscoped.filter(connection=connection, kind=kind, local_id__in=list(local_ids))
    return {identity.local_id: identity for identity in rows}


def _load_names(
    connection: Connection,
    kind: str,
    choices: Mapping[str, str],
    stored: Mapping[str, Identity],
) -> dict[str, str]:
    """Return the names of the chosen records that are in the directory."""
    ids = {*choices.values(), *(identity.remote_id for identity in stored.values())} - {""}
    entries = DirectoryEntry.unscoped.filter(
        connection=connection, kind=kind, remote_id__in=list(ids)
    )
    return dict(entries.values_list("remote_id", "name"))


def _find_problem(connection: Connection, identity: Identity | None, pair: Pair) -> str:
    """Return why a choice cannot be confirmed; "" if it can."""
    if not pair.remote_id:
        return _("Nothing is suggested. Choose a record.")
    is_same = identity is not None and identity.remote_id == pair.remote_id
    if is_same and identity is not None and identity.state == State.CONFIRMED:
        return _("This pair is confirmed already.")
    return next(iter(find_pair_problems(connection, pair).values()), "")


def _build_pair(
    kind: str,
    local_id: str,
    remote_id: str,
    identity: Identity | None,
    names: Mapping[str, str],
) -> Pair:
    """Build the pair; a confirmed suggestion keeps its source and confidence."""
    name = names.get(remote_id, "")
    candidate = _find_candidate(identity, remote_id)
    if candidate is None:
        return Pair(kind, local_id, remote_id, name)
    return Pair(kind, local_id, remote_id, name, candidate["source"], candidate["confidence"])


def _find_candidate(identity: Identity | None, remote_id: str) -> Mapping[str, Any] | None:
    """Return the suggested candidate that was chosen; None if another record was chosen."""
    evidence = (identity.evidence or {}) if identity else {}
    candidates: Sequence[Mapping[str, Any]] = evidence.get("candidates", ())
    return next((entry for entry in candidates if entry["remote_id"] == remote_id), None)


DECISIONS: Mapping[str, Callable[..., ReviewResult]] = {
    "confirm": confirm_identities,
    "ignore": ignore_identities,
    "reopen": reopen_identities,
    "keep": keep_identities,
}  # each of a mapping of our records' ids; only *confirm* reads the records chosen for them
