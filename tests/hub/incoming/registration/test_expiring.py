"""Registrations that end at a time are renewed before it, and created anew after it."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from connectors.registry import CONNECTORS
from hub.incoming.endpoints.create import get_or_create_connection_endpoint
from hub.incoming.models import InboundEndpoint, WebhookSubscription
from hub.incoming.registration.check import RegistrationCheckContext, check_endpoint
from hub.incoming.registration.lease import claim_check
from tests.hub.incoming.registration.expiring_system import (
    KEY,
    LIFE_SECONDS,
    RENEW_BEFORE,
    Expiring,
    ExpiringSystem,
)
from tests.sandbox.running_sandbox import NOON

pytestmark = pytest.mark.django_db(transaction=True)


class Scenario:
    """A connection to the system, whose checks run when they are due."""

    def __init__(self, make):
        self.at = datetime.fromtimestamp(NOON, UTC)
        self.system = ExpiringSystem(lambda: self.at.timestamp())
        self.connection = make.connection(connector=KEY, account="1", secret={}, settings={})
        make.route(
            tenant=self.connection.tenant,
            event_type=f"{KEY}.parcel.sent",
            origin_connector_key=KEY,
            connector="webhook",
        )
        self.endpoint = get_or_create_connection_endpoint(self.connection, now=self.at)

    @property
    def subscription(self):
        return WebhookSubscription.unscoped.get()

    @property
    def next_check_at(self):
        return InboundEndpoint.unscoped.get(pk=self.endpoint.pk).next_check_at

    def check(self):
        """Check when that is due next."""
        self.at = max(self.at, self.next_check_at)
        lease = claim_check(self.endpoint, now=self.at)
        context = RegistrationCheckContext(self.system, lambda: self.at, time.sleep, lambda: 1.0)
        check_endpoint(lease, context)

    def wait(self, seconds):
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def scenario(make, monkeypatch):
    monkeypatch.setitem(CONNECTORS, KEY, Expiring())
    return Scenario(make)


def test_a_registration_is_renewed_before_its_end_for_a_day(scenario):
    scenario.check()
    first = scenario.subscription
    assert first.expires_at == scenario.at + timedelta(seconds=LIFE_SECONDS)
    end = scenario.at + timedelta(days=1)
    while scenario.at < end:
        before = scenario.subscription.expires_at
        scenario.check()
        assert scenario.at < before and scenario.subscription.state == "verified"
    assert scenario.subscription.external_id == first.external_id
    assert sum(call == "POST" for call in scenario.system.calls) == 1
    renewals = sum(call.startswith("POST /") for call in scenario.system.calls)
    assert renewals <= 86400 / (LIFE_SECONDS - RENEW_BEFORE) + 1


def test_a_renewal_that_fails_is_tried_again_until_the_end(scenario):
    scenario.check()
    scenario.system.broken = True
    end = scenario.subscription.expires_at
    while scenario.next_check_at < end:
        scenario.check()
    assert scenario.subscription.failure_count >= 2
    assert scenario.subscription.state == "unconfirmed"
    scenario.system.broken = False
    scenario.check()
    assert scenario.subscription.state == "verified"
    assert scenario.subscription.expires_at > scenario.at


@pytest.mark.parametrize("late", [LIFE_SECONDS + 1, LIFE_SECONDS + 3600])
def test_one_that_has_expired_is_created_anew_whether_it_is_still_listed_or_not(scenario, late):
    scenario.check()
    former = scenario.subscription.external_id
    scenario.wait(late)
    scenario.check()
    subscription = scenario.subscription
    assert (subscription.state, subscription.failure_count) == ("verified", 0)
    assert subscription.external_id != former and subscription.expires_at > scenario.at
    assert [row["id"] for row in scenario.system.webhooks.values() if row["id"] != former] == [
        subscription.external_id
    ]


def test_the_state_says_expired_while_it_cannot_be_created_anew(scenario, monkeypatch):
    scenario.check()
    scenario.wait(LIFE_SECONDS + 3600)
    answer = scenario.system.answer
    monkeypatch.setattr(
        scenario.system,
        "answer",
        lambda method, *more: None if method == "POST" else answer(method, *more),
    )
    scenario.check()
    assert (scenario.subscription.state, scenario.subscription.reason) == (
        "expired",
        "server_error",
    )
    assert (scenario.subscription.external_id, scenario.subscription.expires_at) == ("", None)
