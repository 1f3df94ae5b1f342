"""Directories: the people that each system answers, and the pages that follow."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.directories import PeoplePage, Person
from connectors.http import Response, Unreadable, dump_json
from connectors.outcomes import Outcome
from connectors.registry import CONNECTORS
from tests.connectors.recorded import NOON, credential

ANN = "ann@acme.test"
PAGES = {
    "slack": {
        "ok": True,
        "members": [
            {
                "id": "U1",
                "name": "ann",
                "deleted": False,
                "real_name": "Ann Archer",
                "is_bot": False,
                "profile": {"real_name": "Ann Archer", "display_name": "annie", "email": ANN},
            },
            {"id": "USLACKBOT", "name": "slackbot", "deleted": False, "is_bot": False},
            {"id": "U2", "name": "old", "deleted": True, "is_bot": False, "profile": {}},
        ],
        "response_metadata": {"next_cursor": "dXNlcjpVMg=="},
    },
    "salesforce": {
        "totalSize": 1,
        "done": True,
        "records": [
            {
                "Id": "005000000000001AAA",
                "Name": "Ann Archer",
                "Email": f"{ANN}.invalid",
                "Username": "ann@acme.test.uat",
                "Alias": "aarch",
                "FederationIdentifier": None,
                "IsActive": True,
                "UserType": "Standard",
                "SystemModstamp": "2026-11-25T12:00:00Z",
            }
        ],
    },
    "pipedrive": {
        "success": True,
        "data": [{"id": 31, "name": "Ann Archer", "email": ANN, "active_flag": False}],
    },
    "app": {
        "users": [
            {"id": "U-1", "name": "Ann Archer", "email": ANN, "aliases": ["a@b.test"]},
            {"id": "U-2", "deleted": True},
        ],
        "count": 2,
        "next_after": None,
    },
}
EXPECTED = {
    "slack": [
        Person("U1", "Ann Archer", ANN, "ann", other_names=("annie",)),
        Person("USLACKBOT", login="slackbot", is_bot=True),
        Person("U2", login="old", is_active=False),
    ],
    "salesforce": [
        Person("005000000000001AAA", "Ann Archer", ANN, "ann@acme.test.uat", ("aarch",))
    ],
    "pipedrive": [Person("31", "Ann Archer", ANN, is_active=False)],
    "app": [Person("U-1", "Ann Archer", ANN, aliases=("a@b.test",))],
}
DIRECTORIES = {
    key: connector.directory for key, connector in CONNECTORS.items() if connector.directory
}
each = pytest.mark.parametrize("key", DIRECTORIES)


def answer(body, status=200):
    return Response(status, dump_json(body))


def test_every_directory_is_tested():
    assert DIRECTORIES.keys() == PAGES.keys()


@each
def test_people_are_read_with_what_they_can_be_recognized_by(key):
    page = DIRECTORIES[key].parse_people(answer(PAGES[key]))
    assert page.people == EXPECTED[key]
    assert page.is_complete
    assert page.cursor == ("dXNlcjpVMg==" if key == "slack" else "")


@each
def test_a_directory_spends_quotas_that_the_connector_declares(key):
    connector = CONNECTORS[key]
    request = connector.directory.page_request(credential(key), at=NOON, tenant="acme")
    assert request.spends
    for scope, _ in request.spends:
        assert connector.quota(scope) or scope.kind in connector.unlimited_reasons
    assert {entry.key for entry in connector.permissions} >= set(connector.directory.permissions)


def test_the_next_page_of_slack_is_asked_for_by_its_cursor():
    request = DIRECTORIES["slack"].page_request(credential("slack"), at=NOON, cursor="dXNl")
    assert "cursor=dXNl" in request.content().decode()


@each
@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_a_refusal_is_no_empty_directory(key, status):
    with contextlib.suppress(Unreadable):
        assert isinstance(DIRECTORIES[key].parse_people(answer({}, status)), Outcome)


@each
@given(body=st.recursive(st.none() | st.text() | st.integers(), st.lists, max_leaves=4))
@settings(max_examples=30)
def test_no_answer_breaks_the_reader(key, body):
    damaged = json.loads(json.dumps(PAGES[key]))
    field = {"slack": "members", "salesforce": "records", "pipedrive": "data", "app": "users"}[key]
    damaged[field] = body
    with contextlib.suppress(Unreadable):
        assert isinstance(DIRECTORIES[key].parse_people(answer(damaged)), PeoplePage | Outcome)
