"""A list of people that the safety valve has stopped is confirmed or rejected by a person."""

import pytest
from django.core.exceptions import ValidationError

from connectors.directories import Person
from hub.audit import AuditRow
from hub.identities.models import DirectoryEntry, DirectoryRead
from hub.identities.people_store import store_directory_entries
from hub.identities.stopped_reads import (
    PEOPLE_SHOWN,
    confirm_deactivations,
    describe_stopped_list,
    reject_deactivations,
)
from hub.queue import WakeUp
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.identities.people import SYSTEM, member, members, read_whole

pytestmark = pytest.mark.django_db


@pytest.fixture
def slack(make):
    return make.connection(make.tenant("acme"), "slack")


@pytest.fixture
def stopped_read(slack):
    """A read of a list that is empty, after one of two people."""
    read_whole(slack, FakeHttp(members(member("U1", "Ann"), member("U2", "Bob"))))
    read = read_whole(slack, FakeHttp(members()), now=NOON + MINUTE)
    WakeUp.objects.all().delete()
    return read


def list_active():
    return list(DirectoryEntry.unscoped.order_by("remote_id").values_list("is_active", flat=True))


def decide(decision, connection, **options):
    return decision(connection.tenant, connection, SYSTEM, now=NOON + 2 * MINUTE, **options)


def test_no_user_is_deactivated_before_a_decision(stopped_read):
    assert (stopped_read.state, stopped_read.reason, stopped_read.stopped_count) == (
        "incomplete",
        "safety_valve",
        2,
    )
    assert stopped_read.detail == "2 of 2 active users would be deactivated"
    assert list_active() == [True, True]


def test_what_confirming_would_change_is_counted_and_named(slack, stopped_read):
    described = describe_stopped_list(stopped_read)
    counts = described.deactivations
    assert (counts.count, counts.known_count, counts.listed_count) == (2, 2, 0)
    assert [person.remote_id for person in described.people] == ["U1", "U2"]
    more = [Person(f"V{number}") for number in range(20)]
    store_directory_entries(slack, more, kind="user", now=NOON)
    described = describe_stopped_list(stopped_read)
    assert (len(described.people), described.more_count) == (PEOPLE_SHOWN, 12)


def test_a_read_that_was_not_stopped_would_change_nothing(slack):
    read = read_whole(slack, FakeHttp(members(member("U1", "Ann"))))
    assert describe_stopped_list(read) is None and describe_stopped_list(None) is None


def test_a_confirmed_list_deactivates_whom_it_left_out(slack, stopped_read):
    read = decide(confirm_deactivations, slack, stopped_count=2, reason="all have left")
    assert (read.state, read.reason, read.complete_at) == ("complete", "", NOON + MINUTE)
    assert list_active() == [False, False]
    audited = AuditRow.objects.get(verb="connection.confirm_deactivations")
    assert (audited.after, audited.reason) == ({"people": 0, "deactivated": 2}, "all have left")
    assert WakeUp.objects.filter(name=f"directory:{read.pk}").exists()  # pairs are suggested


def test_a_rejected_list_deactivates_no_user(slack, stopped_read):
    read = decide(reject_deactivations, slack, stopped_count=2, reason="the export is empty")
    assert (read.state, read.reason, read.complete_at) == ("incomplete", "list_rejected", NOON)
    assert list_active() == [True, True]
    audited = AuditRow.objects.get(verb="connection.reject_deactivations")
    assert (audited.after, audited.reason) == ({"people": 0, "kept": 2}, "the export is empty")
    assert not WakeUp.objects.exists()


@pytest.mark.parametrize("first", [confirm_deactivations, reject_deactivations])
@pytest.mark.parametrize("second", [confirm_deactivations, reject_deactivations])
def test_a_list_is_decided_once(slack, stopped_read, first, second):
    decide(first, slack)
    active = list_active()
    with pytest.raises(ValidationError, match="No list of people waits"):
        decide(second, slack)
    assert list_active() == active


@pytest.mark.parametrize("decision", [confirm_deactivations, reject_deactivations])
def test_a_decision_about_another_list_is_refused(slack, stopped_read, decision):
    with pytest.raises(ValidationError, match="Another list was stopped meanwhile"):
        decide(decision, slack, stopped_count=1)
    assert list_active() == [True, True]
    assert DirectoryRead.unscoped.get().is_stopped


def test_the_next_read_after_a_rejection_decides_again(slack, stopped_read):
    decide(reject_deactivations, slack)
    again = FakeHttp(members(member("U1", "Ann")))
    read = read_whole(slack, again, now=NOON + 3 * MINUTE)
    assert (read.state, list_active()) == ("complete", [True, False])
