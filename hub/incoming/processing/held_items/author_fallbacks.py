"""Apply a connection's fallback to items whose author has no user of ours."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from hub.incoming.models import InboundItem
from hub.incoming.processing.attribution import USER, Author
from hub.mappings.fallbacks import load_fallbacks
from hub.mappings.models import Identity, IdentityFallback
from hub.queue import wake_loop

AUTHOR_UNKNOWN, AUTHOR_SKIPPED = "author_unknown", "author_skipped"
ITEMS_AT_ONCE = 1000  # items of one step


def apply_author_fallbacks(
    items: Sequence[InboundItem], users: dict[Author, str], *, now: datetime
) -> None:
    """Hold or skip the items whose author is unknown, or add the default user to `users`.

    One query if an author is unknown, none otherwise. Without a fallback nothing changes.
    """
    unknown = [
        item
        for item in items
        if item.author and item.connection_id and (item.connection_id, item.author) not in users
    ]
    connections = {item.connection_id for item in unknown if item.connection_id}
    if not connections:
        return
    fallbacks = load_fallbacks(connections, (USER,), IdentityFallback.Direction.IN)
    for item in unknown:
        fallback = fallbacks.get((item.connection_id or 0, USER))
        if fallback is None:
            continue
        if fallback.choice == IdentityFallback.Choice.DEFAULT:
            users[item.connection_id, item.author] = fallback.default_id
        else:
            _apply_fallback(item, fallback, now=now)


def _apply_fallback(item: InboundItem, fallback: IdentityFallback, *, now: datetime) -> None:
    is_skipped = fallback.choice == IdentityFallback.Choice.SKIP
    item.state = "skipped" if is_skipped else "held"
    item.reason = AUTHOR_SKIPPED if is_skipped else AUTHOR_UNKNOWN
    item.detail = fallback.explanation
    item.state_changed_at = now


@transaction.atomic
def release_items_of_known_authors(*, now: datetime) -> int:
    """Return items to the inbox whose author has a user now, or whose fallback was changed.

    A step of the sweep; returns their number.
    """
    held_items = InboundItem.unscoped.filter(state="held", reason=AUTHOR_UNKNOWN)
    user = Identity.confirmed().filter(
        connection=OuterRef("connection"), kind=USER, remote_id=OuterRef("author")
    )
    fallback = IdentityFallback.unscoped.filter(
        connection=OuterRef("connection"), kind=USER, direction=IdentityFallback.Direction.IN
    )
    is_still_held = Exists(fallback.filter(choice=IdentityFallback.Choice.HOLD))
    due = held_items.filter(Q(Exists(user)) | ~Q(is_still_held)).order_by("pk")
    ids = list(due.values_list("pk", flat=True)[:ITEMS_AT_ONCE])
    if not ids:
        return 0
    rows = InboundItem.unscoped.filter(pk__in=ids, state="held", reason=AUTHOR_UNKNOWN)
    count = rows.update(
        state="received", reason="", detail="", attempt_count=0, state_changed_at=now
    )
    wake_loop("inbox", now=now)
    return count
