"""What a record was refused for counts for its route, and is shown there."""

import pytest
from django.urls import reverse

from connectors.http import Response
from hub.connections.models import Connection
from hub.outgoing.insight.route_failures import count_route_failures
from hub.outgoing.models import Route
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db

REFUSED = Response(200, b'{"ok":false,"error":"channel_not_found"}')
POSTED = Response(200, b'{"ok":true,"channel":"C1","ts":"1764072000.000100"}')


def test_a_refused_message_is_shown_on_its_routes_page_and_leaves_the_connection_healthy(
    make, client
):
    row = make.connection(connector="slack")
    make.route(row, body={"channel": "'C1'", "text": "data.number"})
    for answer, at in ((POSTED, NOON), (REFUSED, NOON + MINUTE)):
        make.delivery(row, now=at)
        pump(FakeHttp(answer), at=at)
    route = Route.unscoped.get()
    failures = count_route_failures(route)
    assert failures.sentence == "1 of the last 2 deliveries of this route failed."
    assert "channel not found" in failures.last_reason_text
    assert Connection.unscoped.get().state == "healthy"
    client.force_login(make.staff(is_superuser=True))
    page = client.get(reverse("admin:outgoing_route_change", args=[route.pk])).content.decode()
    assert failures.sentence in page and "channel not found" in page


def test_a_route_of_which_nothing_was_refused_says_nothing(make):
    make.delivery()
    assert count_route_failures(Route.unscoped.get()).last_failed is None
