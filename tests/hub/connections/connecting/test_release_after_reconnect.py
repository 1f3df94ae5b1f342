"""What waited for an authorization goes out when it is back, as fast as the other system allows and
no faster.
"""

from datetime import timedelta

import pytest

from connectors.http import Response
from connectors.schema import Account
from hub.connections.connecting.reconnect import reconnect_account
from hub.connections.credentials.account_probe import ProbeResult
from hub.connections.models import CredentialEvent, Lane
from hub.notices.models import Notice
from hub.outgoing.models import Delivery
from hub.outgoing.pump.pacing import MIN_LEAD
from hub.throttle.limits import WINDOW_MARGIN
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.connections.browsers import query_of
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db

BETWEEN = timedelta(seconds=1 + WINDOW_MARGIN)  # two messages in one channel
POSTED = Response(200, b'{"ok":true,"channel":"C1","ts":"1764072000.000100"}')
REVOKED = Response(200, b'{"ok":false,"error":"token_revoked"}')
TEXT = {"channel": "'C1'", "text": "data.number"}


@pytest.fixture
def slack(make):
    """Three orders wait for a workspace that revoked our token."""
    row = make.connection(connector="slack", account="T1")
    for number in range(3):
        make.delivery(row, data={"number": str(number)}, body=TEXT)
    pump(FakeHttp(REVOKED))
    row.refresh_from_db()
    return row


def reconnect(row, at=NOON):
    reconnect_account(
        row,
        {},
        {"access_token": "xoxb-new"},
        ProbeResult(Account("T1", "Acme")),
        random=lambda: 0.5,
        now=at,
    )


def list_states():
    return sorted(Delivery.unscoped.values_list("state", "attempt_count"))


def test_a_revoked_token_holds_what_waits(slack):
    assert (slack.state, Lane.unscoped.get().hold_reason) == ("needs_reconnect", "needs_reconnect")
    assert {state for state, _ in list_states()} == {"waiting"}


def test_after_reconnecting_the_held_work_drains_at_the_allowed_rate(slack):
    reconnect(slack, at=NOON + MINUTE)
    http, sent = FakeHttp(POSTED), []
    for turn in range(4):
        pump(http, at=NOON + MINUTE + turn * (BETWEEN + MIN_LEAD))
        sent.append(len(http.requests))
    assert sent == [1, 2, 3, 3]
    assert {state for state, _ in list_states()} == {"delivered"}


def test_people_hear_how_much_waited(slack):
    reconnect(slack)
    assert Notice.unscoped.get(kind="works_again").sentence.endswith(
        "3 waiting events are sent now."
    )
    assert Notice.unscoped.get(kind="needs_reconnect").resolved_at == NOON


def test_the_life_line_says_that_it_was_authorized_again(slack):
    reconnect(slack)
    assert CredentialEvent.unscoped.get().kind == "reconnected"


def test_a_reconnect_offers_the_account_that_is_connected(browser, make, acme):
    slack = make.connection(acme, connector="slack", account="T0000ACME")
    salesforce = make.connection(acme, connector="salesforce", account="00D000000000001EAA")
    assert (
        query_of(browser.get_consent_url("slack", connection=str(slack.public_id)))["team"]
        == "T0000ACME"
    )
    assert (
        query_of(browser.get_consent_url("salesforce", connection=str(salesforce.public_id)))[
            "prompt"
        ]
        == "login"
    )
    assert "team" not in query_of(browser.get_consent_url("slack"))
