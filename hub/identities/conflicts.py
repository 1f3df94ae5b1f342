"""Find problems of confirmed pairs of people, by the current directories of both sides."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from connectors.directories import Person
from hub.identities.matching import BEST_IS_PAIRED
from hub.identities.matching.mailboxes import has_role_address
from hub.identities.matching.names import is_same_name
from hub.mappings.models import Identity

TWO_TO_ONE, RENAMED = "two_to_one", "renamed"
DEACTIVATED, SHARED_MAILBOX = "deactivated", "shared_mailbox"
# the reasons for which a suggestion is one of these: see review_texts
SUGGESTION_CONFLICTS = frozenset(
    (TWO_TO_ONE, "two_candidates", "name_differs", DEACTIVATED, SHARED_MAILBOX, BEST_IS_PAIRED)
)


@dataclass(frozen=True, slots=True)
class Conflict:
    """A reason to review a confirmed pair; `detail` is the name or id concerned.

    A person who keeps the pair accepts this `fingerprint`: a different conflict is shown again.
    """

    code: str
    side: Literal["ours", "theirs"]
    detail: str = ""

    @property
    def fingerprint(self) -> str:
        return f"{self.code}:{self.side}:{self.detail}"[:300]

    def to_evidence(self, accepted: str | None) -> dict[str, Any]:
        """Build the evidence of an identity, with the conflict that a person accepted earlier."""
        evidence = {"reason": self.code, "side": self.side, "detail": self.detail}
        return evidence | {"fingerprint": self.fingerprint, "accepted": accepted or ""}


def find_conflicts(
    confirmed: Sequence[Identity], local: Iterable[Person], remote: Iterable[Person]
) -> Iterator[tuple[Identity, Conflict | None]]:
    """Yield each confirmed pair with its conflict, None if it has none."""
    local_by_id = {person.id: person for person in local}
    remote_by_id = {person.id: person for person in remote}
    uses = Counter(identity.remote_id for identity in confirmed)
    for identity in confirmed:
        if uses[identity.remote_id] > 1:
            yield identity, Conflict(TWO_TO_ONE, "ours", identity.remote_id)
        else:
            yield identity, _find_conflict(identity, local_by_id, remote_by_id)


def _find_conflict(
    identity: Identity, local: Mapping[str, Person], remote: Mapping[str, Person]
) -> Conflict | None:
    ours, theirs = local.get(identity.local_id), remote.get(identity.remote_id)
    if theirs and not theirs.is_active and not (ours and not ours.is_active):
        return Conflict(DEACTIVATED, "theirs", theirs.name)
    if ours and not ours.is_active and theirs and theirs.is_active:
        return Conflict(DEACTIVATED, "ours", ours.name)
    if theirs and (theirs.is_bot or has_role_address(theirs)):
        return Conflict(SHARED_MAILBOX, "theirs", theirs.email or theirs.name)
    if theirs and identity.name and theirs.name and not is_same_name(identity.name, theirs.name):
        return Conflict(RENAMED, "theirs", theirs.name)
    return None
