"""What people and programs do with gaps and sources, audited; offered at the three doors."""

from datetime import datetime, timedelta

from django import forms
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from hub.actions import Action, ActionForm, always, declare_actions
from hub.audit import ActorContext
from hub.crypto.redaction import shorten
from hub.incoming.gaps.gap_states import open_gap
from hub.incoming.gaps.reading import find_feed
from hub.incoming.gaps.reports import NOTICE_KIND, report_end
from hub.incoming.models import InboundGap, InboundSource
from hub.notices.notify import resolve_notices
from hub.problems import Refusal

WRITE_SCOPE = "webhook-subscriptions:write"
READ_BACK_MAX = timedelta(days=30)  # as long as items are kept, with which changes are compared
REQUESTED_BY_LENGTH = 200  # characters
COUNTS = ("read_count", "known_count", "new_count", "deleted_count", "unreadable_count")


class GapActionRefused(Refusal):
    """The action is not possible; the message contains the reason."""


@transaction.atomic
def start_gap(gap: InboundGap, actor: ActorContext, *, reason: str = "", now: datetime) -> None:
    """Let a gap be read now that waits for a person, or again, as it was not read completely.

    Raises InvalidTransition in another state.
    """
    before = {"state": gap.state, "reason": gap.reason}
    gap.transition_to(
        "due",
        reason="",
        due_at=now,
        closed_at=None,
        missing_from=None,
        missing_to=None,
        read_until=None,
        **dict.fromkeys(COUNTS, 0),
        state_changed_at=now,
    )
    resolve_notices(
        NOTICE_KIND, connection_id=gap.connection_id, occurrence=str(gap.public_id), now=now
    )
    actor.audit("gap.start", gap, reason=reason, before=before, now=now)


@transaction.atomic
def cancel_gap(gap: InboundGap, actor: ActorContext, *, reason: str = "", now: datetime) -> None:
    """Leave a gap unread. Raises InvalidTransition if it has ended."""
    before = {"state": gap.state}
    gap.transition_to(
        "cancelled", reason="by_person", due_at=None, closed_at=now, state_changed_at=now
    )
    report_end(gap, now=now)
    actor.audit("gap.cancel", gap, reason=reason, before=before, now=now)


@transaction.atomic
def read_source(
    source: InboundSource,
    actor: ActorContext,
    *,
    from_at: datetime,
    to_at: datetime,
    reason: str = "",
    now: datetime,
) -> InboundGap:
    """Read the changes of a source between two times, as if they had been missed.

    Raises GapActionRefused if its system lists no changes, or for times that cannot be read.
    """
    if source.retired_at is not None or source.connection.is_disconnected:
        raise GapActionRefused(_("Its connection does not receive these events any more."))
    if find_feed(source.connection, source.object) is None:
        raise GapActionRefused(_("The other system does not list what has changed."))
    if not now - READ_BACK_MAX <= from_at < to_at <= now:
        raise GapActionRefused(
            _("The times must follow each other, and lie within the last 30 days.")
        )
    label = shorten(actor.actor.label, REQUESTED_BY_LENGTH)
    gap = open_gap(source, "by_hand", from_at=from_at, to_at=to_at, requested_by=label, now=now)
    after = {"from": from_at.isoformat(), "to": to_at.isoformat()}
    actor.audit("source.read", source, reason=reason, after=after, now=now)
    return gap


class ReadForm(ActionForm):
    from_at = forms.DateTimeField(label=_("From"))
    to_at = forms.DateTimeField(label=_("To"))


GAP_ACTIONS = declare_actions(
    Action[InboundGap](
        name="start",
        label=_("Start the read"),
        question=_("The hub reads now what changed in this time, and publishes what was missed."),
        success=_("It is being read."),
        summary="Start the read of a gap",
        run=start_gap,
        is_available=lambda gap: gap.state in ("held", "incomplete"),
        scope=WRITE_SCOPE,
        limit="gap_reads",
        icon="play_arrow",
        tone="primary",
        is_background=True,
    ),
    Action[InboundGap](
        name="cancel",
        label=_("Cancel the gap"),
        question=_("What may have been missed in this time is not read."),
        success=_("The gap has been cancelled."),
        summary="Cancel a gap",
        run=cancel_gap,
        is_available=lambda gap: gap.state in InboundGap.UNFINISHED_STATES,
        scope=WRITE_SCOPE,
        asks_reason=always,
        icon="close",
        tone="danger",
    ),
)
SOURCE_READ_ACTIONS = declare_actions(
    Action[InboundSource](
        name="read",
        label=_("Read missed changes"),
        question=_(
            "The hub reads what changed between two times, and publishes what it has not received. "
            "It knows its own changes of the last 48 hours; older ones are published, too."
        ),
        success=_("The changes are being read."),
        summary="Read the missed changes of a source",
        run=read_source,
        form=ReadForm,
        is_available=lambda source: find_feed(source.connection, source.object) is not None,
        scope=WRITE_SCOPE,
        limit="gap_reads",
        icon="history",
        is_background=True,
    ),
)
