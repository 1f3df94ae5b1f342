"""The page that asks before a declared action is performed, and its result."""

import pytest

from hub.audit import AuditRow
from tests.factories import NOON
from tests.hub.portal.pages import state_of, url_of

pytestmark = pytest.mark.django_db


def show(client, connection, verb):
    return client.get(url_of(connection, verb)).content.decode()


@pytest.mark.parametrize("verb, field", [("pause", "reason"), ("resume", "csrfmiddlewaretoken")])
def test_a_page_asks_before_an_action_and_changes_nothing(admin, connection, verb, field):
    text = show(admin, connection, verb)
    assert "<h1>Ours: " in text and f'name="{field}"' in text
    assert (state_of(connection), AuditRow.objects.count()) == ("healthy", 0)


def test_data_that_is_missing_is_asked_again_at_its_field(admin, connection):
    text = admin.post(url_of(connection, "disable"), {"reason": ""}).content.decode()
    assert "This field is required." in text and state_of(connection) == "healthy"


def test_a_refusal_of_an_action_with_data_stands_above_what_was_entered(admin, connection):
    connection.pause("they move", until=None, now=NOON)
    data = {"reason": "moving again", "length": "4"}
    text = admin.post(url_of(connection, "pause"), data).content.decode()
    assert "The connection is paused." in text and "moving again" in text


def test_a_result_that_is_not_what_was_asked_for_is_a_warning(admin, connection):
    connection.mark_needs_reconnect("unauthorized", now=NOON)
    connection.pause("they move", until=None, now=NOON)
    page = admin.post(url_of(connection, "resume"), follow=True)
    (message,) = page.context["messages"]
    assert (message.level_tag, state_of(connection)) == ("warning", "needs_reconnect")
    assert "Reconnect the account" in str(message)


@pytest.mark.parametrize("verb", ["explode", "test_now"])
def test_an_action_that_is_not_declared_is_not_found(admin, connection, verb):
    assert admin.get(url_of(connection, verb)).status_code == 404


def test_the_page_of_an_action_is_not_shown_to_a_member_or_a_stranger(member, stranger, connection):
    assert member.get(url_of(connection, "pause")).status_code == 403
    assert stranger.get(url_of(connection, "pause")).status_code == 404
