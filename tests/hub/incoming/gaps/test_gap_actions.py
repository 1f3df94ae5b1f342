"""What people and programs do with gaps and sources."""

from dataclasses import replace
from datetime import timedelta

import pytest

from connectors.webhook_sources import Feed
from hub.audit import ActorContext, AuditRow
from hub.db.state_machine import InvalidTransition
from hub.incoming.gaps import open_gap
from hub.incoming.gaps.gap_actions import (
    GAP_ACTIONS,
    SOURCE_READ_ACTIONS,
    GapActionRefused,
    cancel_gap,
    choose_reach,
    read_source,
    start_gap,
)
from hub.incoming.gaps.gap_texts import describe_gap_fully, explain_gap
from hub.incoming.gaps.reports import build_gap_data
from hub.incoming.models import InboundGap
from hub.notices.models import Notice
from hub.outgoing.models import Event
from hub.reason_codes import GAP_REASONS
from tests.factories import NOON

pytestmark = pytest.mark.django_db
ACTOR = ActorContext.system()
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def source(make):
    return make.source(make.connection(connector="pipedrive", account="701", secret={}))


def test_a_held_gap_waits_for_a_person_who_is_notified_and_starts_it(source):
    gap = open_gap(source, "outage", from_at=NOON - 3 * DAY, to_at=NOON, now=NOON)
    notice = Notice.unscoped.get()
    assert (notice.message, notice.reason) == ("source_gap_held", "needs_confirmation")
    assert GAP_ACTIONS["start"].is_available(gap)
    start_gap(gap, ACTOR, now=NOON + HOUR)
    assert (gap.state, gap.due_at, gap.reason) == ("due", NOON + HOUR, "")
    assert Notice.unscoped.get().resolved_at and AuditRow.objects.get().verb == "gap.start"


def test_a_cancelled_gap_is_not_complete_and_can_be_started_after_all(source):
    gap = open_gap(source, "gone", from_at=NOON - HOUR, now=NOON - HOUR)
    cancel_gap(gap, ACTOR, now=NOON)
    assert (gap.to_at, gap.missing_from, gap.missing_to) == (NOON, NOON - HOUR, NOON)
    data = build_gap_data(gap, now=NOON)
    assert "Not complete: A person cancelled it." in data["sentence"]
    assert data["action"] == "Start the read if these changes are needed after all."
    assert data["missing"]["from"] == (NOON - HOUR).isoformat()
    start_gap(gap, ACTOR, now=NOON)
    assert (gap.state, gap.missing_from, gap.due_at) == ("due", None, NOON)


@pytest.mark.parametrize("state", ["open", "due", "reading", "closed"])
def test_only_a_gap_that_waits_for_a_person_is_started(make, source, state):
    gap = make.gap(source, state=state)
    assert not GAP_ACTIONS["start"].is_available(gap)
    with pytest.raises(InvalidTransition):
        start_gap(gap, ACTOR, now=NOON)


def test_a_gap_whose_system_lists_no_changes_is_not_started(make, source):
    gap = make.gap(make.source(source.connection, "lead"), state="incomplete", reason="no_feed")
    assert not GAP_ACTIONS["start"].is_available(gap)
    with pytest.raises(GapActionRefused, match="does not list"):
        start_gap(gap, ACTOR, now=NOON)


def test_a_request_is_read_although_another_gap_waits_for_a_person(source):
    held = open_gap(source, "outage", from_at=NOON - 3 * DAY, to_at=NOON, now=NOON)
    gap = read_source(source, ACTOR, from_at=NOON - DAY, to_at=NOON - HOUR, now=NOON)
    assert (gap.state, gap == held) == ("due", False)


@pytest.mark.parametrize("reason", GAP_REASONS)
def test_each_reason_of_a_gap_has_a_sentence_and_an_action(make, source, reason):
    gap = make.gap(source, state="incomplete", reason=reason, missing_from=NOON, missing_to=NOON)
    assert explain_gap(gap).action and explain_gap(gap).sentence in describe_gap_fully(
        gap, now=NOON
    )


@pytest.mark.parametrize("cause", InboundGap.Cause.values)
def test_each_cause_of_a_gap_that_lasts_has_a_sentence(make, source, cause):
    gap = make.gap(source, state="open", to_at=None, cause=cause)
    assert explain_gap(gap).sentence


def test_a_reason_of_the_system_is_quoted(make, source):
    gap = make.gap(source, state="incomplete", reason="too_many_pages", missing_from=NOON)
    assert explain_gap(gap).sentence == "Not all changes could be read: too many pages."
    assert explain_gap(gap).action == "Start the read again."


def test_the_notice_of_a_gap_says_why_and_what_to_do(source):
    gap = open_gap(source, "outage", from_at=NOON - 3 * DAY, to_at=NOON, now=NOON)
    notice = Notice.unscoped.get()
    assert "may be a restored back-up. Start the read if the hub was out" in notice.sentence
    assert notice.path == f"/t/{source.tenant.reference}/webhooks/gaps/{gap.public_id}/"


def test_a_cancelled_gap_is_told_and_cannot_be_cancelled_again(source):
    gap = open_gap(source, "outage", from_at=NOON - DAY, to_at=NOON, now=NOON)
    cancel_gap(gap, ACTOR, now=NOON)
    types = Event.unscoped.order_by("pk").values_list("type", flat=True)
    assert list(types) == ["source.gap_opened", "source.gap_closed"]
    with pytest.raises(InvalidTransition):
        cancel_gap(gap, ACTOR, now=NOON)
    assert not GAP_ACTIONS["cancel"].is_available(gap)


def test_a_person_has_a_time_read(source):
    gap = read_source(source, ACTOR, from_at=NOON - DAY, to_at=NOON, now=NOON)
    assert (gap.cause, gap.state, gap.due_at) == ("by_hand", "due", NOON)
    assert AuditRow.objects.get().verb == "source.read_missed"


@pytest.mark.parametrize(
    ("first", "last", "field", "text"),
    [
        (31 * DAY, HOUR, "from", "Changes of the last 30 days can be read"),
        (HOUR, 2 * HOUR, "from", "Must be before the end"),
        (HOUR, HOUR, "from", "Must be before the end"),
        (HOUR, -HOUR, "to", "Must not be in the future"),
    ],
)
def test_a_time_that_cannot_be_read_is_refused_at_its_field(source, first, last, field, text):
    with pytest.raises(GapActionRefused, match=text) as refused:
        read_source(source, ACTOR, from_at=NOON - first, to_at=NOON - last, now=NOON)
    assert refused.value.field == field and not InboundGap.unscoped.exists()


def test_no_time_is_read_that_the_system_does_not_list(source):
    feed = Feed("person", "persons", {}, kept_for=2 * DAY)
    assert choose_reach(feed) == 2 * DAY
    assert choose_reach(replace(feed, kept_for=90 * DAY)) == 30 * DAY


def test_what_a_system_does_not_list_is_not_offered(make, source):
    lead = make.source(source.connection, "lead")
    assert SOURCE_READ_ACTIONS["read_missed"].is_available(source)
    assert not SOURCE_READ_ACTIONS["read_missed"].is_available(lead)
    with pytest.raises(GapActionRefused):
        read_source(lead, ACTOR, from_at=NOON - DAY, to_at=NOON, now=NOON)


def test_only_one_read_of_the_same_time_waits(source):
    gaps = [read_source(source, ACTOR, from_at=NOON - DAY, to_at=NOON, now=NOON) for _ in range(2)]
    assert gaps[0] == gaps[1]
