"""When a token is refreshed: at about 80 % of its life, spread, and only with something to do it
with.
"""

from datetime import timedelta

import pytest

from connectors.base import Grant
from connectors.registry import CONNECTORS
from connectors.schema import Account
from hub.connections.connecting.connect import connect_account, draft_connection
from hub.connections.connecting.reconnect import reconnect_account
from hub.connections.credentials.account_probe import ProbeResult
from hub.connections.models import Credential
from hub.connections.token_lifetimes import (
    Token,
    build_fresh_columns,
    build_token,
    build_token_columns,
    build_tokens,
)
from tests.factories import NOON

pytestmark = pytest.mark.django_db

SLACK, SALESFORCE, WEBHOOK = (CONNECTORS[key] for key in ("slack", "salesforce", "webhook"))
HALF_A_DAY = 43_200.0
PAIR = {"access_token": "a", "refresh_token": "r"}


def compute_refresh_share(random):
    token = build_token(SLACK, HALF_A_DAY, refreshable=True, now=NOON, random=lambda: random)
    return (token.refresh_due_at - NOON) / timedelta(seconds=HALF_A_DAY)


@pytest.mark.parametrize(("random", "at"), [(0, 0.75), (0.5, 0.8), (1, 0.85)])
def test_it_is_due_at_about_80_percent(random, at):
    assert compute_refresh_share(random) == pytest.approx(at)


def test_without_a_reported_lifetime_the_usual_one_applies_and_the_end_is_unknown():
    token = build_token(SALESFORCE, None, refreshable=True, now=NOON, random=lambda: 0.5)
    assert (token.refresh_due_at, token.expires_at) == (NOON + timedelta(minutes=96), None)


def test_a_token_that_does_not_end_is_not_refreshed():
    assert (
        build_token(SLACK, None, refreshable=True, now=NOON, random=lambda: 0.5).refresh_due_at
        is None
    )


def test_without_a_refresh_token_nothing_is_due_and_the_end_is_known():
    token = build_token(SLACK, HALF_A_DAY, refreshable=False, now=NOON, random=lambda: 0.5)
    assert (token.refresh_due_at, token.expires_at) == (None, NOON + timedelta(seconds=HALF_A_DAY))


def test_bot_and_user_token_have_lives_of_their_own():
    document = {**PAIR, "user_access_token": "u", "user_refresh_token": "ur"}
    grant = Grant(document, expires_in=HALF_A_DAY, token_lifetimes={"user_": 3600.0})
    row = build_fresh_columns(SLACK, grant, now=NOON, random=lambda: 0.5)
    assert set(row["token_lifetimes"]) == {"", "user_"}
    assert (row["refresh_due_at"], row["expires_at"]) == (
        NOON + timedelta(minutes=48),
        NOON + timedelta(hours=1),
    )


def test_what_has_no_tokens_has_no_lives():
    assert build_tokens(WEBHOOK, Grant({"signing_secret": "s"}), now=NOON, random=lambda: 0) == {}
    assert build_token_columns({}, WEBHOOK, now=NOON) == {
        "token_lifetimes": {},
        "expires_at": None,
        "refresh_due_at": None,
        "grant_expires_at": None,
    }


def test_a_token_is_read_as_it_was_kept():
    token = build_token(
        SLACK, HALF_A_DAY, refreshable=True, rotates=True, now=NOON, random=lambda: 0
    )
    assert Token.from_json(token.to_json()) == token


@pytest.mark.parametrize(("random", "minutes"), [(0, 90), (1, 102)])
def test_the_first_token_is_spread_like_the_later_ones(make, random, minutes):
    row = draft_connection(make.tenant(), "salesforce", "CRM", {})
    connect_account(
        row, PAIR, ProbeResult(Account("00D1")), connected_by=None, random=lambda: random, now=NOON
    )
    assert row.credential.refresh_due_at == NOON + timedelta(minutes=minutes)


@pytest.mark.parametrize(("random", "minutes"), [(0, 90), (1, 102)])
def test_so_is_the_one_after_a_reconnect(make, random, minutes):
    row = make.connection(connector="salesforce", account="00D1")
    reconnect_account(row, {}, PAIR, ProbeResult(Account("00D1")), random=lambda: random, now=NOON)
    assert Credential.unscoped.get().refresh_due_at == NOON + timedelta(minutes=minutes)
