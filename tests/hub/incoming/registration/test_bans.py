"""A ban of Pipedrive is read from its listing, and the webhook is replaced."""

from datetime import UTC, datetime

import pytest

from tests.hub.incoming.registration.sandbox_account import SandboxAccount

pytestmark = pytest.mark.django_db(transaction=True)
HALF_AN_HOUR, HOUR = 1800, 3600


@pytest.fixture
def account(make, desk, settings):
    settings.HUB_PUBLIC_URL = "http://127.0.0.1:9"  # nobody answers there
    now = lambda: datetime.fromtimestamp(desk.now, UTC)  # noqa: E731
    account = SandboxAccount(make, desk, "pipedrive", event_type="person.created", now=now)
    assert account.check().state == "verified"
    return account


def ban(account):
    """Let ten first attempts fail."""
    wish = {"system": "pipedrive", "account": "701", "event": "person.create", "times": 10}
    assert account.desk.post("/_control/send", json=wish).status_code == 200
    account.desk.sent(10)
    assert [entry.is_active for entry in account.find_registrations()] == [False]


def test_a_banned_webhook_is_replaced_at_once(account):
    (former,) = account.find_registrations()
    account.desk.now += HOUR + 1
    ban(account)
    subscription = account.check()
    (found,) = account.find_registrations()
    assert subscription.state == "verified" and found.is_active
    assert found.external_id == subscription.external_id != former.external_id


def test_one_that_is_banned_again_soon_is_left_until_the_ban_has_ended(account):
    ban(account)
    (former,) = account.find_registrations()
    subscription = account.check()
    assert (subscription.state, subscription.detail) == ("drifted", "banned")
    account.desk.now += HALF_AN_HOUR + 1
    assert account.check().state == "verified"
    assert [entry.external_id for entry in account.find_registrations()] == [former.external_id]
