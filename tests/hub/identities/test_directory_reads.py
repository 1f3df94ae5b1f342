"""Directories are read page by page: throttled, resumed after a kill, and complete or not."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from connectors.http import Response
from hub.audit import AuditRow
from hub.connections.models import Connection
from hub.identities.directory_reads import (
    PAGE_LEASE,
    find_due_reads,
    read_next_page,
    refresh_directory,
    refresh_local_users,
    wake_up_due_directories,
)
from hub.identities.erase import erase_directory
from hub.identities.models import DirectoryEntry, DirectoryRead, LocalUser
from hub.queue import WakeUp
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.identities.people import SYSTEM, member, members, read_whole

pytestmark = pytest.mark.django_db


@pytest.fixture
def slack(make):
    return make.connection(make.tenant("acme"), "slack")


def entries(connection):
    rows = DirectoryEntry.unscoped.filter(connection=connection).order_by("remote_id")
    return list(rows.values_list("remote_id", "name", "is_active"))


def continue_read(read, http, *, now):
    while read_next_page(read.pk, call=http.call, now=now):
        pass
    read.refresh_from_db()
    return read


def test_pages_are_read_to_the_end(slack):
    http = FakeHttp([members(member("U1", "Ann"), cursor="n"), members(member("U2", "Bob"))])
    read = read_whole(slack, http)
    read = continue_read(read, http, now=NOON + MINUTE)  # the quota of Slack allows the next page
    assert (read.state, read.page_count, read.people_count) == ("complete", 2, 2)
    assert read.complete_at == NOON + MINUTE
    assert entries(slack) == [("U1", "Ann", True), ("U2", "Bob", True)]
    assert AuditRow.objects.filter(verb="connection.read_directory").count() == 1


def test_who_is_gone_from_a_complete_read_is_deactivated(slack):
    read_whole(slack, FakeHttp(members(member("U1", "Ann"), member("U2", "Bob"))))
    read_whole(slack, FakeHttp(members(member("U1", "Ann Archer"))), now=NOON + MINUTE)
    assert entries(slack) == [("U1", "Ann Archer", True), ("U2", "Bob", False)]


def test_a_read_after_a_stopped_one_begins_anew(slack):
    read_whole(slack, FakeHttp(members(member("U1", "Ann"))))
    read_whole(slack, FakeHttp(members()), now=NOON + MINUTE)
    again = FakeHttp(members(member("U1", "Ann")))
    read = read_whole(slack, again, now=NOON + 2 * MINUTE)
    assert (read.state, read.stopped_count) == ("complete", 0)


def test_an_incomplete_read_deactivates_no_user(slack):
    read_whole(slack, FakeHttp(members(member("U1", "Ann"), member("U2", "Bob"))))
    http = FakeHttp(members(member("U1", "Ann"), cursor="again"))
    read = read_whole(slack, http, now=NOON + MINUTE)
    read = continue_read(read, http, now=NOON + 2 * MINUTE)
    assert (read.state, read.reason) == ("incomplete", "cursor_repeated")
    assert read.complete_at == NOON
    assert [is_active for _, _, is_active in entries(slack)] == [True, True]


def test_a_killed_task_leaves_its_page_to_another_one(slack):
    read = refresh_directory(slack, SYSTEM, now=NOON)
    DirectoryRead.unscoped.update(next_page_at=NOON + PAGE_LEASE)  # claimed, and then killed
    http = FakeHttp(members(member("U1")))
    assert continue_read(read, http, now=NOON).page_count == 0
    WakeUp.objects.all().delete()
    later = NOON + PAGE_LEASE
    wake_up_due_directories(now=later)
    assert WakeUp.objects.filter(name=f"directory:{read.pk}").exists()
    assert continue_read(read, http, now=later).state == "complete"


def test_a_refused_page_is_tried_again_and_then_gives_up(slack):
    http = FakeHttp(Response(503))
    read = read_whole(slack, http)
    assert read.is_reading
    assert read.next_page_at > NOON
    for minutes in range(1, 60):
        read = continue_read(read, http, now=NOON + 10 * minutes * MINUTE)
    assert (read.state, read.next_page_at) == ("failed", None)
    assert 2 <= len(http.requests) <= 10


def test_a_permission_that_is_missing_ends_the_read_with_its_reason(slack):
    answer = Response(200, b'{"ok": false, "error": "missing_scope", "needed": "users:read"}')
    read = read_whole(slack, FakeHttp(answer))
    assert (read.state, read.reason) == ("failed", "permission_missing")


def test_a_read_under_way_is_not_begun_again(slack):
    first = refresh_directory(slack, SYSTEM, now=NOON)
    again = refresh_directory(slack, SYSTEM, now=NOON + MINUTE)
    assert (again.pk, again.started_at) == (first.pk, NOON)


def test_a_system_without_a_directory_is_refused(make):
    with pytest.raises(ValidationError):
        refresh_directory(make.connection(make.tenant(), "splunk"), SYSTEM, now=NOON)


def test_a_paused_connection_is_not_read(slack):
    Connection.unscoped.filter(pk=slack.pk).update(state="paused")
    slack.refresh_from_db()
    with pytest.raises(ValidationError):
        refresh_directory(slack, SYSTEM, now=NOON)


def test_erasing_ends_the_read_and_deletes_the_people(slack):
    read = read_whole(slack, FakeHttp(members(member("U1"), cursor="n")))
    erase_directory(slack, now=NOON)
    assert entries(slack) == []
    assert not read_next_page(read.pk, call=FakeHttp().call, now=NOON + timedelta(hours=1))
    assert not find_due_reads(now=NOON + timedelta(hours=1)).exists()


def test_our_own_users_are_read_from_our_application(make):
    tenant = make.tenant("acme")
    with pytest.raises(ValidationError):
        refresh_local_users(tenant, SYSTEM, now=NOON)
    make.app("app", {"signing_secret": "whsec_" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"})
    make.connection(None, "app")
    page = b'{"users": [{"id": "U-1", "tenant": "%s"}], "count": 1, "next_after": null}'
    http = FakeHttp([Response(200, page % b"globex"), Response(200, page % b"acme")])
    read = continue_read(refresh_local_users(tenant, SYSTEM, now=NOON), http, now=NOON)
    assert (read.state, LocalUser.unscoped.count()) == ("reading", 0)  # another tenant's user
    read = continue_read(read, http, now=NOON + MINUTE)
    assert read.state == "complete"
    assert "tenant=acme" in http.requests[0].url
    assert LocalUser.unscoped.get().user_id == "U-1"
