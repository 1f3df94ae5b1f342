"""When a token is refreshed: at about 80 % of its life, spread, and only with something to do it with."""

from datetime import timedelta

import pytest

from connectors.base import Grant
from connectors.parts import Account
from connectors.registry import CONNECTORS
from hub.connections.connect import connect, draft, reconnect
from hub.connections.lives import Token, columns, fresh, token, tokens_of
from hub.connections.models import Credential
from hub.connections.probe import Finding
from tests.makers import NOON

pytestmark = pytest.mark.django_db

SLACK, SALESFORCE, WEBHOOK = (CONNECTORS[key] for key in ("slack", "salesforce", "webhook"))
HALF_A_DAY = 43_200.0
PAIR = {"access_token": "a", "refresh_token": "r"}


def share(random):
    begun = token(SLACK, HALF_A_DAY, refreshable=True, now=NOON, random=lambda: random)
    return (begun.due - NOON) / timedelta(seconds=HALF_A_DAY)


@pytest.mark.parametrize(("random", "at"), [(0, 0.75), (0.5, 0.8), (1, 0.85)])
def test_it_is_due_at_about_80_percent(random, at):
    assert share(random) == pytest.approx(at)


def test_a_life_that_is_not_told_is_the_usual_one_of_the_system_and_ends_nobody_knows_when():
    begun = token(SALESFORCE, None, refreshable=True, now=NOON, random=lambda: 0.5)
    assert (begun.due, begun.ends) == (NOON + timedelta(minutes=96), None)


def test_a_token_that_does_not_end_is_not_refreshed():
    assert token(SLACK, None, refreshable=True, now=NOON, random=lambda: 0.5).due is None


def test_without_a_refresh_token_nothing_is_due_and_the_end_is_known():
    begun = token(SLACK, HALF_A_DAY, refreshable=False, now=NOON, random=lambda: 0.5)
    assert (begun.due, begun.ends) == (None, NOON + timedelta(seconds=HALF_A_DAY))


def test_bot_and_user_token_have_lives_of_their_own():
    document = {**PAIR, "user_access_token": "u", "user_refresh_token": "ur"}
    grant = Grant(document, expires_in=HALF_A_DAY, lives={"user_": 3600.0})
    row = fresh(SLACK, grant, now=NOON, random=lambda: 0.5)
    assert set(row["token_lifetimes"]) == {"", "user_"}
    assert (row["refresh_due_at"], row["expires_at"]) == (NOON + timedelta(minutes=48), NOON + timedelta(hours=1))


def test_what_has_no_tokens_has_no_lives():
    assert tokens_of(WEBHOOK, Grant({"signing_secret": "s"}), now=NOON, random=lambda: 0) == {}
    assert columns({}, WEBHOOK, now=NOON) == {
        "token_lifetimes": {},
        "expires_at": None,
        "refresh_due_at": None,
        "grant_expires_at": None,
    }


def test_a_token_is_read_as_it_was_kept():
    begun = token(SLACK, HALF_A_DAY, refreshable=True, rotates=True, now=NOON, random=lambda: 0)
    assert Token.read(begun.kept()) == begun


@pytest.mark.parametrize(("random", "minutes"), [(0, 90), (1, 102)])
def test_the_first_token_is_spread_like_the_later_ones(make, random, minutes):
    row = draft(make.tenant(), "salesforce", "CRM", {})
    connect(row, PAIR, Finding(Account("00D1")), by=None, random=lambda: random, now=NOON)
    assert row.credential.refresh_due_at == NOON + timedelta(minutes=minutes)


@pytest.mark.parametrize(("random", "minutes"), [(0, 90), (1, 102)])
def test_so_is_the_one_after_a_reconnect(make, random, minutes):
    row = make.connection(connector="salesforce", account="00D1")
    reconnect(row, {}, PAIR, Finding(Account("00D1")), random=lambda: random, now=NOON)
    assert Credential.unscoped.get().refresh_due_at == NOON + timedelta(minutes=minutes)
