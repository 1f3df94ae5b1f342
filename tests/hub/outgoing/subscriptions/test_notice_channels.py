"""A tenant's people are told of notices where they choose: in a chat, at an endpoint of their
own.
"""

import pytest

from hub.audit import SYSTEM, ActorContext, AuditRow
from hub.outgoing.intake.notices import publish_notices
from hub.outgoing.models import Delivery, Route
from hub.outgoing.subscriptions.endpoint_routes import subscribe_endpoint
from hub.outgoing.subscriptions.notice_channels import list_notice_channels, set_notice_channels
from tests.factories import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(make):
    return make.tenant("acme")


@pytest.fixture
def slack(make, acme):
    return make.connection(acme, "slack", name="Our Slack")


def choose(tenant, *connections):
    set_notice_channels(tenant, connections, ActorContext(SYSTEM), user=None, now=NOON)


def test_only_what_can_say_a_notice_is_offered(make, acme, slack):
    endpoint = make.connection(acme, name="An endpoint")
    for other in ("salesforce", "splunk"):
        make.connection(acme, other)
    make.connection(make.tenant(), "slack")
    assert [place.connection for place in list_notice_channels(acme)] == [endpoint, slack]


def test_a_notice_goes_to_the_channel_that_is_said(make, acme, slack):
    choose(acme, slack)
    make.identity(slack, "channel", "notices", "C7")
    other = make.connection(acme, "splunk", name="Logs")
    other.mark_needs_reconnect("invalid_token", now=NOON)
    publish_notices(now=NOON)
    delivery = Delivery.unscoped.get()
    assert (delivery.connection, delivery.event.type) == (slack, "connection.needs_reconnect")


def test_taken_back_nothing_goes_and_chosen_again_there_is_one_route(acme, slack):
    choose(acme, slack)
    choose(acme)
    assert [place.enabled for place in list_notice_channels(acme)] == [False]
    choose(acme, slack)
    assert Route.unscoped.get().enabled
    assert [row.after for row in AuditRow.objects.order_by("number")] == [
        {"notices": on} for on in (True, False, True)
    ]


def test_a_connection_that_routes_reach_gets_a_notice_once(make, acme):
    endpoint = make.connection(acme)
    subscribe_endpoint(endpoint, ["*"], ActorContext.system(), now=NOON)
    (place,) = list_notice_channels(acme)
    assert not place.enabled and place.other_route.event_type == "*"
    choose(acme, endpoint)
    assert Route.unscoped.count() == 1


def test_sixty_connections_cost_two_statements(make, acme, django_assert_num_queries):
    for _ in range(60):
        make.connection(acme, "slack")
    with django_assert_num_queries(2):
        assert len(list_notice_channels(acme)) == 60
