"""A list of choices is read again by REST, from the sandbox."""

import pytest

from hub.schemas.choice_lists import find_choice_list
from tests.hub.connections.conftest import acme, outside
from tests.sandbox.conftest import desk

__all__ = ["acme", "desk", "outside"]
SCOPES = ("connections:read", "connections:write", "integrations:write")


@pytest.fixture
def slack(make, acme, outside):
    secret = {"access_token": "xoxb-acme-1"}
    return make.connection(acme, "slack", secret=secret, account="T0000ACME")


@pytest.fixture
def client(api, acme):
    return api.of(acme, scopes=SCOPES)


def refresh(client, connection, **body):
    url = f"/api/v1/connections/{connection.public_id}/schema/refresh"
    return client.post(url, body, format="json").json()


@pytest.mark.corrections(item="1.21")
def test_a_channel_that_the_workspace_does_not_have_is_refused_once_its_list_was_read(
    client, slack
):
    def rehearse(channel):
        url = "/api/v1/recipes/order_to_slack/rehearsals"
        return client.post(url, {"answers": {"channel": channel}}, format="json")

    assert rehearse("C0NOWHERE").status_code == 200
    assert refresh(client, slack, choices="channel")["is_read"] is True
    (known, _name), *_more = find_choice_list(slack, "channel").choices
    assert (rehearse("C0NOWHERE").status_code, rehearse(known).status_code) == (400, 200)


def test_a_list_that_the_system_does_not_have_is_not_read(client, slack):
    for choices in ("stage", "object"):
        answer = refresh(client, slack, choices=choices)
        assert (answer["is_read"], answer["reason"]) == (False, "unsupported")
