"""A quiet source is asked about, a silent one is an alarm, one that is heard again is none."""

from datetime import timedelta

import pytest

from hub.incoming.models import (
    InboundEndpoint,
    InboundGap,
    InboundSource,
    SourceCanary,
    SourceRhythm,
    WebhookAddress,
)
from hub.incoming.rhythm.counting import count_new_items
from hub.incoming.tasks import listen_to_sources
from hub.incoming.watch.rhythm_rows import find_due_rhythms
from hub.incoming.watch.silence_watch import judge_due_sources, wake_due_sources
from hub.outgoing.models import Event
from hub.queue import WakeUp
from tests.factories import NOON

pytestmark = pytest.mark.django_db

QUIET, SOON, SILENT = NOON + timedelta(minutes=40), timedelta(minutes=1), timedelta(hours=9)
# one an hour is in the budget of Pipedrive's smallest plan; heartbeats are of Splunk's own clock
PERSON, RECENT = ("pipedrive", "person", 61, True), ("pipedrive", "person", 59, False)
ALERT = ("splunk", "alert", 61, False)


def is_waked():
    return WakeUp.objects.filter(name="listen").exists()


def find_requested_checks():
    return WakeUp.objects.filter(name__startswith="register:").count()


def test_a_source_in_its_rhythm_wakes_no_task(steady):
    steady()
    wake_due_sources(now=NOON + SOON)
    assert not is_waked()


def test_a_quiet_source_has_its_registrations_checked_once(make, steady):
    source = steady()
    endpoint = make.inbound_endpoint(source.connection, next_check_at=NOON + timedelta(days=1))
    wake_due_sources(now=QUIET)
    assert is_waked()
    judge_due_sources(now=QUIET)
    source.refresh_from_db()
    assert (source.state, source.looked_at, find_requested_checks()) == ("quiet", QUIET, 1)
    assert InboundEndpoint.unscoped.get(pk=endpoint.pk).next_check_at == QUIET
    assert source.rhythms.get().quiet_at > QUIET + timedelta(minutes=10)
    assert not InboundGap.unscoped.exists()


@pytest.mark.parametrize(("connector", "object", "minutes_ago", "is_due"), [PERSON, RECENT, ALERT])
def test_a_quiet_source_is_asked_by_a_change_of_the_hub_where_it_is_allowed(
    make, steady, connector, object, minutes_ago, is_due
):
    source = steady(make.connection(connector=connector, account="701", secret={}), object)
    planned = NOON + timedelta(hours=20)
    sent_at = QUIET - minutes_ago * SOON
    SourceCanary.unscoped.create(
        source=source, is_on=True, state="idle", due_at=planned, sent_at=sent_at
    )
    judge_due_sources(now=QUIET)
    source.refresh_from_db()
    due_at = SourceCanary.unscoped.get().due_at
    assert (source.state, due_at) == ("quiet", QUIET if is_due else planned)


def test_items_that_are_not_counted_yet_are_heard(make, steady):
    source = steady()
    make.inbound_item(source.connection, type="pipedrive.person.changed", now=QUIET - SOON)
    judge_due_sources(now=QUIET)
    source.refresh_from_db()
    assert source.state == "listening"


def test_sources_that_were_heard_meanwhile_are_postponed_together(
    steady, django_assert_max_num_queries
):
    connection = steady().connection
    for object in ("deal", "activity"):
        steady(connection, object)
    SourceRhythm.unscoped.update(last_item_at=QUIET - SOON)
    with django_assert_max_num_queries(5):
        judge_due_sources(now=QUIET)
    assert not find_due_rhythms(now=QUIET).exists()


@pytest.mark.parametrize("fields", [{"state": "echo"}, {"is_read": True}])
def test_what_the_hub_caused_or_read_is_no_sign_of_life(make, steady, fields):
    source = steady()
    type = "pipedrive.person.changed"
    make.inbound_item(source.connection, type=type, now=QUIET - SOON, **fields)
    judge_due_sources(now=QUIET)
    source.refresh_from_db()
    assert source.state == "quiet"


def test_a_silent_source_opens_a_gap_from_its_last_event(steady):
    source = steady()
    judge_due_sources(now=NOON + SILENT)
    gap = InboundGap.unscoped.get()
    assert (gap.source, gap.cause, gap.state) == (source, "silence", "open")
    assert gap.from_at == NOON - timedelta(minutes=2)
    source.refresh_from_db()
    assert (source.state, source.connection.state) == ("silent", "silent")
    judge_due_sources(now=NOON + 2 * SILENT)
    assert InboundGap.unscoped.count() == 1


def test_a_listed_registration_postpones_the_question_and_not_the_alarm(steady):
    source = steady(listed_at=NOON + timedelta(hours=8, minutes=50))
    judge_due_sources(now=NOON + timedelta(hours=8, minutes=51))
    source.refresh_from_db()
    assert source.state == "listening"
    source.rhythms.update(quiet_at=NOON)
    judge_due_sources(now=NOON + SILENT)
    source.refresh_from_db()
    assert source.state == "silent"


@pytest.mark.parametrize("proof", ["canary_heard_at", "read_until"])
def test_what_proves_delivery_postpones_the_alarm(steady, proof):
    source = steady(**{proof: NOON + SILENT - SOON})
    judge_due_sources(now=NOON + SILENT)
    source.refresh_from_db()
    assert source.state == "listening"


def test_a_source_that_is_heard_again_ends_its_gap(make, steady):
    source = steady()
    judge_due_sources(now=NOON + SILENT)
    later = NOON + SILENT + SOON
    source.rhythms.update(last_item_at=later)
    wake_due_sources(now=later)
    assert is_waked()
    judge_due_sources(now=later)
    source.refresh_from_db()
    assert (source.state, source.connection.state) == ("listening", "healthy")
    gap = InboundGap.unscoped.get()
    assert (gap.state, gap.to_at) == ("due", later)


def test_a_connection_stays_silent_until_all_its_sources_are_heard(steady):
    person = steady()
    deal = steady(person.connection, "deal")
    judge_due_sources(now=NOON + SILENT)
    later = NOON + SILENT + SOON
    person.rhythms.update(last_item_at=later)
    judge_due_sources(now=later)
    states = dict(InboundSource.unscoped.values_list("object", "state"))
    assert states == {"person": "listening", "deal": "silent"}
    deal.connection.refresh_from_db()
    assert deal.connection.state == "silent"


def test_a_connection_is_silent_again_when_its_other_problem_has_been_solved(steady):
    source = steady()
    judge_due_sources(now=NOON + SILENT)
    type(source.connection).unscoped.update(state="healthy", reason="", detail="")
    source.rhythms.update(quiet_at=NOON)
    judge_due_sources(now=NOON + 2 * SILENT)
    source.connection.refresh_from_db()
    assert (source.connection.state, source.connection.reason) == ("silent", "source_silent")


def test_a_connector_that_was_removed_hinders_no_others(make, steady):
    former, source = (
        steady(),
        steady(make.connection(connector="pipedrive", account="702", secret={})),
    )
    SourceCanary.unscoped.create(source=former, is_on=True, due_at=NOON)
    former.rhythms.update(learned_at=None)
    type(former.connection).unscoped.filter(pk=former.connection_id).update(connector_key="former")
    listen_to_sources("listen")
    source.refresh_from_db()
    assert source.state == "silent"  # by now
    assert not SourceCanary.unscoped.exists()


def test_one_kind_of_event_may_be_silent_beside_others(make, steady):
    source = steady()
    later = NOON + SILENT
    make.inbound_item(source.connection, type="pipedrive.person.created", now=later)
    judge_due_sources(now=later)
    assert InboundGap.unscoped.get().detail == "pipedrive.person.changed"


def test_a_retired_source_is_not_judged_any_more(steady):
    source = steady()
    InboundSource.unscoped.update(retired_at=NOON)
    judge_due_sources(now=NOON + SILENT)
    assert not InboundGap.unscoped.exists()
    assert source.rhythms.get().quiet_at is None


def test_a_copy_of_an_installation_watches_nothing(steady):
    steady()
    WebhookAddress.objects.create(pk=1, public_url="https://original.example", changed_at=NOON)
    wake_due_sources(now=NOON + SILENT)
    assert not is_waked()
    listen_to_sources("listen")
    assert InboundSource.unscoped.get().state == "listening"


def test_the_task_judges_what_the_sweep_has_found(steady):
    steady()
    listen_to_sources("listen")  # by the real clock, months later
    assert InboundSource.unscoped.get().state == "silent"
    assert list(Event.unscoped.values_list("type", flat=True)) == ["source.gap_opened"]


def test_an_item_that_is_counted_ends_the_question(make, steady):
    source = steady()
    judge_due_sources(now=QUIET)
    make.inbound_item(source.connection, type="pipedrive.person.changed", now=QUIET + SOON)
    count_new_items(now=NOON + timedelta(days=3650))
    source.refresh_from_db()
    assert (source.state, source.heard_at) == ("listening", QUIET + SOON)
