"""A permission that one action lacks holds that action's deliveries, and nothing else."""

import pytest

from connectors.http import Response
from connectors.registry import CONNECTORS
from connectors.schema import Account
from hub.connections.connecting.oauth.needed_permissions import find_missing_permissions
from hub.connections.connecting.reconnect import reconnect_account
from hub.connections.credentials.account_probe import ProbeResult
from hub.connections.models import Connection
from hub.outgoing.insight.needed_permissions import (
    find_incoming_permissions,
    find_missing_incoming_permissions,
    find_needed_permissions,
)
from hub.outgoing.release import release_held_deliveries
from hub.reason_codes import find_reason
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db

POSTED = Response(200, b'{"ok":true,"channel":"C1","ts":"1764072000.000100"}')
MISSING = Response(
    200,
    b'{"ok":false,"error":"missing_scope","needed":"chat:write.customize","provided":"chat:write"}',
)
PLAIN = {"channel": "'C1'", "text": "data.number"}
AS_THE_SHOP = PLAIN | {"username": "'Shop'"}
SLACK = CONNECTORS["slack"]


@pytest.fixture
def slack(make):
    return make.connection(connector="slack", account="T1")


@pytest.fixture
def odd(make, slack):
    """A delivery that needs more than this account has granted."""
    make.route(slack, event_type="odd", body=AS_THE_SHOP)
    return make.event(slack.tenant, type="odd", data={"number": "1"}).deliveries.get()


def state_of(row):
    row.refresh_from_db()
    return row.state, row.reason


def answers(request):
    return MISSING if b"username" in request.content() else POSTED


def test_it_holds_that_delivery_and_the_connection_goes_on(make, slack, odd):
    make.route(slack, event_type="plain", body=PLAIN)
    plain = make.event(slack.tenant, type="plain", data={"number": "2"}).deliveries.get()
    pump(FakeHttp(answers))
    pump(FakeHttp(answers), at=NOON + MINUTE)
    assert (state_of(odd), state_of(plain)) == (("held", "permission_missing"), ("delivered", ""))
    assert state_of(slack) == ("healthy", "") and not slack.notices.exists()
    assert odd.detail == "needed: chat:write.customize"


def test_the_reason_names_what_to_do():
    words = find_reason("permission_missing", system="Slack")
    assert "has not granted a permission" in words.sentence and words.action.startswith(
        "Reconnect the account"
    )


def test_a_reconnect_releases_it(slack, odd):
    pump(FakeHttp(MISSING))
    assert release_held_deliveries(now=NOON + MINUTE) == 0
    finding = ProbeResult(Account("T1"))
    reconnect_account(
        slack, {}, {"access_token": "xoxb-more"}, finding, random=lambda: 0.5, now=NOON + MINUTE
    )
    assert release_held_deliveries(now=NOON + MINUTE) == 1
    pump(FakeHttp(POSTED), at=NOON + MINUTE)
    assert state_of(odd) == ("delivered", "")


def test_only_what_a_mapping_fills_in_is_needed(make, slack):
    tenant = slack.tenant
    make.route(slack, body=PLAIN)
    assert find_needed_permissions(tenant, SLACK, slack) == {"chat:write"}
    route = make.route(slack, body=PLAIN)
    make.version(route.mapping, AS_THE_SHOP)
    assert find_needed_permissions(tenant, SLACK, slack) == {"chat:write", "chat:write.customize"}


def test_routes_of_others_and_routes_that_are_off_need_nothing(make, slack):
    tenant = slack.tenant
    make.route(make.connection(connector="slack", account="T2"), body=AS_THE_SHOP)
    make.route(slack, body=AS_THE_SHOP, enabled=False)
    make.route(make.connection(tenant, connector="slack", account="T3"), body=AS_THE_SHOP)
    assert find_needed_permissions(tenant, SLACK, slack) == set()
    make.route(connector="slack", action="post_message", body=AS_THE_SHOP)  # of all tenants
    assert "chat:write.customize" in find_needed_permissions(tenant, SLACK, None)


def test_what_the_connector_never_asks_for_is_not_needed(make):
    tenant = make.tenant()
    make.route(tenant=tenant, connector="salesforce", action="create")
    assert find_needed_permissions(tenant, CONNECTORS["salesforce"], None) == {
        "api",
        "refresh_token",
    }
    assert Connection.unscoped.count() == 0


def test_a_route_for_incoming_events_needs_what_the_system_sends_them_with(make, slack):
    tenant = slack.tenant
    take = {"tenant": tenant, "connector": "webhook", "origin_connector_key": "slack"}
    make.route(event_type="slack.mention.created", **take)
    assert find_incoming_permissions(tenant, SLACK, None) == {"app_mentions:read"}
    history = {"channels:history", "groups:history", "groups:read"}  # asked for by a reconnect
    assert find_incoming_permissions(tenant, SLACK, slack) == {"app_mentions:read", *history}
    assert find_needed_permissions(tenant, SLACK, slack) == set()
    make.route(event_type="slack.*", enabled=False, **take)
    make.route(event_type="slack.interaction.created", **take)
    assert find_incoming_permissions(tenant, SLACK, slack) == {"app_mentions:read", *history}


def test_an_account_without_that_permission_lacks_it_for_incoming_events_only(make, slack):
    take = {"tenant": slack.tenant, "connector": "webhook", "origin_connector_key": "slack"}
    make.route(event_type="slack.message.created", **take)
    slack.permissions = ["chat:write", "chat:write.public", "channels:read"]
    assert find_missing_incoming_permissions(slack) == ["im:history"]
    assert find_missing_permissions(slack.tenant, SLACK, slack, slack.permissions) == ()
    slack.permissions = None
    assert find_missing_incoming_permissions(slack) == []
