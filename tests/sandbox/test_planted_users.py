"""Directories of any size are planted by the control, and read by the connectors as they are."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connectors.registry import CONNECTORS
from tests.sandbox.running_sandbox import NOON
from tests.sandbox.test_connectors import ORG, SIGNING_SECRET, key_for, send

AT = datetime.fromtimestamp(NOON, UTC)
COUNT = 450  # several pages of Slack
ACCOUNTS = {"app": "acme", "slack": "T0000ACME", "salesforce": ORG, "pipedrive": "703"}
OBJECTS = {"salesforce": "User"}
GONE = {
    "app": {"id": "U-9", "name": "Gone", "active": False},
    "slack": {"id": "U9", "name": "gone", "deleted": True},
    "salesforce": {"Id": "005000000009999", "Username": "gone@x.test", "IsActive": False},
    "pipedrive": {"id": 9, "name": "Gone", "active_flag": False},
}
IN_SALESFORCE = {"Name": "Person {n}", "Email": "person{n}@example.org", "Username": "p{n}@x.test"}


@pytest.fixture
def sides(desk):
    desk.world(
        salesforce=[{"org": ORG}],
        app={"secret": SIGNING_SECRET},
        pipedrive=[{"company": "703", "domain": "empty", "access_token": "v1u:empty"}],
    )
    return desk


def key_of(desk, system):
    key = key_for(desk, system)
    if system != "pipedrive":
        return key
    settings = {"api_domain": f"{desk.url}/pipedrive/empty"}
    return replace(key, secret={"access_token": "v1u:empty"}, settings=settings)


def read_people(desk, system):
    directory, people, cursor = CONNECTORS[system].directory, [], ""
    while True:
        tenant = {"tenant": "acme"} if directory.by_tenant else {}
        page = directory.parse_people(
            send(directory.page_request(key_of(desk, system), at=AT, cursor=cursor, **tenant))
        )
        people += page.people
        cursor = page.cursor
        if not cursor:
            return {person.id: person for person in people}


@pytest.mark.parametrize("system", ACCOUNTS)
def test_a_planted_directory_is_read_whole(sides, system):
    fields = IN_SALESFORCE if system == "salesforce" else {}
    body = {"system": system, "account": ACCOUNTS[system]}
    body |= {"object": OBJECTS.get(system, "users"), "records": [GONE[system]]}
    body |= {"generate": {"count": COUNT, "fields": fields}}
    before = read_people(sides, system)
    answer = sides.post("/_control/seed", json=body)
    assert answer.status_code == 201, answer.text
    people = read_people(sides, system)
    planted = [person for id, person in people.items() if id not in before]
    assert len(planted) == COUNT + 1
    assert sum(not person.is_active for person in planted) == 1
    assert "person1001@example.org" in {person.email for person in planted}


@pytest.mark.parametrize(
    ("system", "record"), [("slack", {"mail": "x"}), ("pipedrive", {"mail": "x"})]
)
def test_a_field_that_no_user_has_is_refused(sides, system, record):
    body = {"system": system, "account": ACCOUNTS[system], "object": "users", "records": [record]}
    assert sides.post("/_control/seed", json=body).status_code == 400


ANN = {"name": "Ann Archer", "email": "ann@acme.example"}
IN_ORG = {"FirstName": "Ann", "LastName": "Archer", "Email": "ann@acme.example"}
BEGINNINGS = {
    "app": {"app": {"tenants": [{"reference": "acme", "users": [ANN]}]}},
    "pipedrive": {"pipedrive": [{"company": "703", "users": [ANN]}]},
    "salesforce": {"salesforce": [{"org": ORG, "users": [IN_ORG]}]},
}
CHANGES = {
    "app": ("U-1001", {"id": "U-1001", "active": False}),
    "pipedrive": ("1001", {"id": 1001, "active_flag": False}),
    "salesforce": ("005000000000101AAA", {"Id": "005000000000101AAA", "IsActive": False}),
}


@pytest.mark.parametrize("system", BEGINNINGS)
def test_users_that_the_world_begins_with_are_there_and_stay_as_changed(sides, system):
    id, change = CHANGES[system]
    sides.world(**BEGINNINGS[system])
    ann = read_people(sides, system)[id]
    assert (ann.name, ann.email, ann.is_active) == ("Ann Archer", "ann@acme.example", True)
    body = {"system": system, "account": ACCOUNTS[system], "records": [change]}
    sides.post("/_control/seed", json=body | {"object": OBJECTS.get(system, "users")})
    sides.world(**BEGINNINGS[system])
    assert not read_people(sides, system)[id].is_active
