"""Lanes, apps and lists of connections in the admin."""

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hub.audit import AuditRow
from hub.connections.models import ConnectorApp, Lane
from hub.db.clock import clock
from tests.factories import NOON

pytestmark = pytest.mark.django_db

CANARY = "xoxb-canary-7d1f-never-shown"


def test_calls_at_the_same_time_are_changed_on_the_lane(superuser, make):
    row = make.connection()
    url = reverse("admin:connections_connection_change", args=[row.pk])
    superuser.post(url, {"name": "Renamed", "in_flight": 9})
    row.refresh_from_db()
    assert (row.name, Lane.unscoped.get(connection=row).in_flight) == ("Renamed", 9)
    audited = AuditRow.objects.order_by("pk").values_list("verb", "after")
    assert list(audited) == [
        ("connection.rename", {"name": "Renamed"}),
        ("connection.limit", {"in_flight": 9}),
    ]


def test_a_connector_app_keeps_its_secret_and_holds_addresses(superuser, make):
    app = make.app("salesforce", {"client_id": "old", "client_secret": CANARY})
    url = reverse("admin:connections_connectorapp_change", args=[app.pk])
    superuser.post(
        url,
        {
            "client_id": "new",
            "url_login": "https://login.acme.com",
            "hosts": "*.acme.com\n*.acme.org",
        },
    )
    app = ConnectorApp.objects.get()
    assert (app.urls, app.hosts) == (
        {"login": "https://login.acme.com"},
        ["*.acme.com", "*.acme.org"],
    )
    assert app.open() == {"client_id": "new", "client_secret": CANARY}


@pytest.mark.parametrize("view", ["changelist", "change"])
def test_more_rows_cost_no_more_queries(superuser, make, view):
    first = make.connection(make.tenant(), "slack")
    make.delivery(first, action="post_message", body={"channel": "'C1'", "text": "'x'"})

    def asked():
        clock()
        with CaptureQueriesContext(database) as queries:
            args = [first.pk] if view == "change" else []
            assert (
                superuser.get(
                    reverse(f"admin:connections_connection_{view}", args=args)
                ).status_code
                == 200
            )
        return len(queries)

    _, before = asked(), asked()  # the first look fills the cache of content types
    for number in range(3):
        make.connection()
        make.event(first.tenant, id=str(number), now=NOON)
    assert asked() == before <= 19
