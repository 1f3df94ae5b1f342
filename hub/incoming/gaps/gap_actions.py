"""What people and programs do with gaps and sources, audited; offered at the three doors."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar

from django import forms
from django.db import transaction
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from connectors.webhook_sources import Feed
from hub.actions import Action, ActionForm, always, declare_actions
from hub.audit import ActorContext
from hub.crypto.redaction import shorten
from hub.db.state_machine import InvalidTransition
from hub.incoming.gaps.gap_states import BY_PERSON, end_as_cancelled, lock_gap, open_gap
from hub.incoming.gaps.reading import find_feed
from hub.incoming.gaps.reports import resolve_gap_notices
from hub.incoming.models import InboundGap, InboundSource
from hub.number_texts import describe_length
from hub.problems import Refusal
from hub.staff import LocalDateTimeField

WRITE_SCOPE = "webhook-subscriptions:write"
READ_BACK_MAX = timedelta(days=30)  # as long as items are kept, with which changes are compared
REQUESTED_BY_LENGTH = 200  # characters
COUNTS = ("read_count", "known_count", "new_count", "deleted_count", "unreadable_count")
NOT_RECEIVED_TEXT = _("Its connection does not receive these events any more.")
NO_FEED_TEXT = _(
    "The other system does not list what has changed. Ask the sender to send again what it sent in "
    "this time."
)
FUTURE_TEXT = _("Must not be in the future.")
ORDER_TEXT = _("Must be before the end.")
TOO_OLD_TEXT = _("Changes of the last {length} can be read. Choose a later start.")


class GapActionRefused(Refusal):
    """The action is not possible; the message contains the reason."""


class TimesRefused(GapActionRefused):
    """A time between these two cannot be read."""

    code = "validation-failed"


def find_obstacle(source: InboundSource) -> str | Promise:
    """Return why the changes of a source cannot be read; "" if they can."""
    if source.retired_at is not None or source.connection.is_disconnected:
        return NOT_RECEIVED_TEXT
    return "" if find_feed(source.connection, source.object) else NO_FEED_TEXT


def choose_reach(feed: Feed) -> timedelta:
    """Return how far back the changes of a feed can be read."""
    return min(READ_BACK_MAX, feed.kept_for or READ_BACK_MAX)


def can_start(gap: InboundGap) -> bool:
    """Return whether a person may start the read of a gap."""
    is_ended = gap.state == "incomplete" or (gap.state == "cancelled" and gap.reason == BY_PERSON)
    return (is_ended or gap.state == "held") and not find_obstacle(gap.source)


def _refuse_obstacle(source: InboundSource) -> None:
    if obstacle := find_obstacle(source):
        raise GapActionRefused(obstacle)


@transaction.atomic
def start_gap(gap: InboundGap, actor: ActorContext, *, reason: str = "", now: datetime) -> None:
    """Let a gap be read now that waits for a person, was cancelled, or not read completely.

    Raises GapActionRefused if its system lists no changes, and InvalidTransition in another state.
    """
    _refuse_obstacle(gap.source)
    lock_gap(gap)
    if not can_start(gap):
        raise InvalidTransition(gap, "due")
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
    resolve_gap_notices(gap, now=now)
    actor.audit("gap.start", gap, reason=reason, before=before, now=now)


@transaction.atomic
def cancel_gap(gap: InboundGap, actor: ActorContext, *, reason: str = "", now: datetime) -> None:
    """Leave a gap unread: its run stops before the next page. Raises InvalidTransition if ended."""
    lock_gap(gap)
    before = {"state": gap.state}
    end_as_cancelled(gap, BY_PERSON, now=now)
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

    Raises GapActionRefused if its system lists no changes, and TimesRefused.
    """
    _refuse_obstacle(source)
    feed = find_feed(source.connection, source.object)
    assert feed is not None  # otherwise it was refused
    _check_times(from_at, to_at, choose_reach(feed), now=now)
    label = shorten(actor.actor.label, REQUESTED_BY_LENGTH)
    gap = open_gap(source, "by_hand", from_at=from_at, to_at=to_at, requested_by=label, now=now)
    after = {"from": from_at.isoformat(), "to": to_at.isoformat()}
    actor.audit("source.read_missed", source, reason=reason, after=after, now=now)
    return gap


def _check_times(from_at: datetime, to_at: datetime, reach: timedelta, *, now: datetime) -> None:
    """Raise TimesRefused with the field that is wrong."""
    if to_at > now:
        raise TimesRefused(FUTURE_TEXT, field="to")
    if from_at >= to_at:
        raise TimesRefused(ORDER_TEXT, field="from")
    if from_at < now - reach:
        length = describe_length(reach.total_seconds())
        raise TimesRefused(format_lazy(TOO_OLD_TEXT, length=length), field="from")


class ReadForm(ActionForm):
    field_names: ClassVar[Mapping[str, str]] = {"from": "from_at", "to": "to_at"}

    from_at = LocalDateTimeField(label=_("From"), help_text=_("In the time zone of this page."))
    to_at = LocalDateTimeField(label=_("To"))
    reason = forms.CharField(
        label=_("Reason"), max_length=300, required=False, help_text=_("Kept in the audit log.")
    )


GAP_ACTIONS = declare_actions(
    Action[InboundGap](
        name="start",
        label=_("Start the read"),
        question=_("The hub reads now what changed in this time, and publishes what was missed."),
        success=_("It is being read."),
        summary="Start the read of a gap",
        run=start_gap,
        is_available=can_start,
        scope=WRITE_SCOPE,
        limit="gap_reads",
        icon="play_arrow",
        tone="primary",
        is_background=True,
    ),
    Action[InboundGap](
        name="cancel",
        label=_("Cancel the gap"),
        question=_(
            "What may have been missed in this time is not read. A read that runs stops before its "
            "next page; what it has found stays."
        ),
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
        name="read_missed",
        label=_("Read missed changes"),
        question=_(
            "The hub reads what changed between two times, and publishes what it has not received. "
            "It knows its own changes of the last 48 hours; older ones are published, too."
        ),
        success=_("The changes are being read."),
        summary="Read the missed changes of a source",
        run=read_source,
        form=ReadForm,
        is_available=lambda source: not find_obstacle(source),
        scope=WRITE_SCOPE,
        limit="gap_reads",
        icon="history",
        is_background=True,
    ),
)
