"""Staff see which connections work today and expire within days, and why."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hub.connections.models import Connection, Credential, Lane
from hub.connections.status.expiry_forecast import list_expiring_connections
from hub.db.clock import clock
from tests.factories import NOON

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
PAGE = reverse("admin:connections_connection_forecast")
DYING = {
    "unused": {"grant_expires_at": NOON + 6 * DAY},
    "no_refresh": {"expires_at": NOON + 6 * DAY},
    "refresh_failing": {"refresh_failures": 2, "expires_at": NOON + DAY, "refresh_due_at": NOON},
    "unsure": {
        "refresh_outcome_unknown_since": NOON,
        "expires_at": NOON + DAY,
        "refresh_due_at": NOON,
    },
}


def list_expiring():
    return [
        (entry.reason, entry.expires_at)
        for entry in list_expiring_connections(Connection.unscoped.all(), now=NOON)
    ]


@pytest.mark.parametrize("reason", DYING)
def test_each_reason_is_seen_ahead(make, reason):
    make.connection()
    Credential.unscoped.update(**DYING[reason])
    assert list_expiring() == [
        (reason, DYING[reason].get("grant_expires_at") or DYING[reason]["expires_at"])
    ]


def test_a_connection_that_only_fails_will_be_disabled(make):
    make.connection()
    Lane.unscoped.update(failing_since=NOON - DAY)
    assert list_expiring() == [("only_fails", NOON + 4 * DAY)]
    (entry,) = list_expiring_connections(Connection.unscoped.all(), now=NOON)
    assert (
        entry.reason_text.sentence
        == "All attempts have failed since 2026-11-24 12:00 UTC. It will be disabled."
    )


def test_a_connection_that_fails_for_minutes_is_not_ending_soon(make):
    make.connection()
    Lane.unscoped.update(failing_since=NOON - timedelta(minutes=10), failed_calls=30)
    assert list_expiring() == []


@pytest.mark.parametrize(
    "healthy",
    [
        {},
        {"grant_expires_at": NOON + 8 * DAY},
        {"expires_at": NOON + DAY, "refresh_due_at": NOON},
        {"expires_at": NOON + 30 * DAY},
    ],
)
def test_what_is_renewed_automatically_is_not_listed(make, healthy):
    make.connection()
    Credential.unscoped.update(**healthy)
    assert list_expiring() == []


def test_what_has_ended_already_is_listed_elsewhere(make):
    make.connection(state="needs_reconnect")
    Credential.unscoped.update(**DYING["unused"])
    assert list_expiring() == []


def test_the_first_to_end_stands_on_top(make):
    for days in (5, 2, 3):
        row = make.connection()
        Credential.unscoped.filter(pk=row.pk).update(expires_at=NOON + days * DAY)
    assert [ends for _, ends in list_expiring()] == [NOON + days * DAY for days in (2, 3, 5)]


def test_the_page_says_why_and_the_dashboard_counts(client, make):
    client.force_login(make.staff(is_superuser=True))
    delivery = make.delivery()
    Credential.unscoped.update(expires_at=clock() + 2 * DAY)
    page = client.get(PAGE).content.decode()
    assert delivery.connection.name in page
    assert "Its access token expires, and there is no refresh token." in page
    assert "Expiring soon" in client.get(reverse("admin:index")).content.decode()


def test_more_rows_cost_no_more_queries(client, make):
    client.force_login(make.staff(is_superuser=True))
    counts = []
    for _ in range(2):
        make.connection()
        Credential.unscoped.update(expires_at=clock() + 2 * DAY)
        with CaptureQueriesContext(database) as queries:
            client.get(PAGE)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_it_ends_at_the_wall(client, make):
    make.connection(make.tenant("victim", name="Victim Ltd"))
    Credential.unscoped.update(expires_at=clock() + 2 * DAY)
    stranger = make.staff(make.tenant("other"))
    client.force_login(stranger)
    assert client.get(PAGE).status_code == 403
    stranger.user_permissions.set(Permission.objects.all())
    assert "Victim Ltd" not in client.get(PAGE).content.decode()
