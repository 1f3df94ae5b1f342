"""People, directories and suggestions by REST."""

from pathlib import Path

import pytest

from connectors.directories import Person
from hub.identities.api.local_users import USER_EXAMPLE
from hub.identities.directory_reads import read_next_page, refresh_directory
from hub.identities.local_users import put_local_users
from hub.identities.models import DirectoryEntry, DirectoryRead, LocalUser, SuggestionRun
from hub.identities.people_store import store_directory_entries
from hub.identities.suggest import suggest_after_read
from hub.identities.tasks import suggest_pairs
from hub.mappings.models import Identity
from hub.problems.parse_budget import PARSE_BUDGET
from hub.queue import WakeUp
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.connections.api.rest import connection_url, summarize_problem
from tests.hub.identities.people import SYSTEM, member, members

pytestmark = pytest.mark.django_db

ANN = {"id": "u1", "name": "Ann Archer", "email": "ann@acme.test"}
BOB = {"id": "u2", "name": "Bob Baker"}
COUNTS = {"confirmed": 0, "suggested": 0, "ambiguous": 0, "unmatched": 0, "ignored": 0}
COUNTS |= {"conflicts": 0}


@pytest.fixture
def acme(make):
    return make.tenant("acme")


@pytest.fixture
def slack(make, acme):
    return make.connection(acme, "slack")


@pytest.fixture
def shop(api, acme):
    return api.of(acme, scopes=["connections:read", "connections:write"])


@pytest.fixture
def people(acme, slack):
    """Ann on both sides, and Bob on ours."""
    put_local_users(acme, [Person("u1", "Ann Archer"), Person("u2", "Bob Baker")], SYSTEM, now=NOON)
    store_directory_entries(slack, [Person("U1", "Ann Archer")], kind="user", now=NOON)


def put_users(client, *users, reference="acme", **body):
    url = f"/api/v1/tenants/{reference}/users"
    return client.put(url, {"users": users} | body, format="json")


def perform_runs():
    """As the worker does."""
    for run in SuggestionRun.unscoped.order_by("pk"):
        suggest_pairs(f"suggest:{run.pk}")


def test_users_are_put_in_bulk(shop):
    created = put_users(shop, USER_EXAMPLE, BOB)
    assert created.json() == {"created": 2, "updated": 0, "unchanged": 0, "deactivated": 0}
    again = put_users(shop, BOB, complete=True)
    assert again.json() == {"created": 0, "updated": 0, "unchanged": 1, "deactivated": 1}
    ann = LocalUser.unscoped.get(user_id="u-17")
    assert (ann.aliases, ann.other_names, ann.is_active) == (
        ["ann.archer@acme.example"],
        ["Annie"],
        False,
    )


def build_users(count, name="Ann-Sophie Archer-Blacksmith", **more):
    return [
        USER_EXAMPLE
        | {"id": f"u-{number}", "name": name, "email": f"u{number}@acme.example"}
        | more
        for number in range(count)
    ]


@pytest.mark.corrections(item="3.8")
def test_as_many_users_as_are_promised_are_taken_at_a_time(shop):
    assert put_users(shop, *build_users(5_000)).json()["created"] == 5_000
    assert summarize_problem(put_users(shop, *build_users(5_001)))[2] == ["/users"]


@pytest.mark.corrections(item="3.8")
def test_the_refusal_of_too_large_a_list_of_users_names_the_documented_limit(shop):
    refused = put_users(shop, *build_users(5_000, login="x" * 200, aliases=["y" * 250] * 2))
    assert summarize_problem(refused)[:2] == (413, "payload-too-large")
    assert f"{4 * 1024 * 1024:,} bytes" in refused.json()["detail"]
    assert "5,000 and 4 MiB at a time" in Path("docs/partners.md").read_text()


@pytest.mark.corrections(item="3.8")
def test_a_list_of_users_counts_in_the_budget_of_what_is_read_at_a_time(shop, acme):
    with PARSE_BUDGET.acquire_for_block(PARSE_BUDGET.share - 1024 * 1024, acme.pk):
        refused = put_users(shop, *build_users(5_000))
    assert summarize_problem(refused)[:2] == (503, "overloaded")
    assert PARSE_BUDGET.used == 0


def test_an_empty_complete_list_is_stopped_until_it_is_confirmed(shop):
    put_users(shop, ANN, BOB)
    result = put_users(shop, complete=True)
    assert summarize_problem(result) == (409, "safety-valve-stopped", ["/confirm_deactivations"])
    assert "2 of 2 active users would be deactivated" in result.json()["detail"]
    assert LocalUser.unscoped.filter(is_active=True).count() == 2
    confirmed = put_users(shop, complete=True, confirm_deactivations=True)
    assert confirmed.json()["deactivated"] == 2


@pytest.mark.parametrize(
    ("user", "pointer"),
    [
        ({"name": "nobody"}, "/users/0/id"),
        ({"id": "x" * 201}, "/users/0/id"),
        ({"id": "x\ny"}, "/users/0/id"),
        ({"id": "1", "email": "e" * 255}, "/users/0/email"),
        ({"id": "1", "aliases": "one"}, "/users/0/aliases"),
        ({"id": "1", "mail": "unknown field"}, "/users/0/mail"),
    ],
)
def test_what_is_no_user_is_refused_by_field(shop, user, pointer):
    assert summarize_problem(put_users(shop, user)) == (400, "validation-failed", [pointer])
    assert not LocalUser.unscoped.exists()


def test_users_of_another_tenant_are_out_of_reach(shop, make):
    make.tenant("globex")
    assert put_users(shop, ANN, reference="globex").status_code == 404
    assert not LocalUser.unscoped.exists()


def test_suggestions_are_asked_for_listed_and_confirmed(shop, slack, people):
    url = connection_url(slack, "identities/suggest")
    assert shop.get(url).json().items() >= (COUNTS | {"state": "never"}).items()
    response = shop.post(url)
    assert (response.status_code, response.json()["state"]) == (202, "waiting")
    perform_runs()
    document = shop.get(url).json()
    assert document.items() >= (COUNTS | {"suggested": 1, "unmatched": 1}).items()
    assert document["state"] == "finished" and document["finished_at"]
    assert shop.get(connection_url(slack, "identities")).json()["items"] == []
    (item,) = shop.get(connection_url(slack, "identities?state=suggested")).json()["items"]
    assert (item["local_id"], item["remote_id"], item["source"]) == ("u1", "U1", "name")
    assert item["evidence"]["candidates"][0]["name"] == "Ann Archer"
    data = {"action": "confirm", "items": [{"local_id": "u1"}, {"local_id": "u2"}]}
    reviewed = shop.post(connection_url(slack, "identities/review"), data, format="json").json()
    assert reviewed["changed"] == ["u1"]
    assert [error["local_id"] for error in reviewed["errors"]] == ["u2"]
    assert WakeUp.objects.filter(name="drain").exists()
    assert Identity.confirmed().get().local_id == "u1"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"action": "guess", "items": [{"local_id": "u1"}]}, "/action"),
        ({"action": "confirm", "items": []}, "/items"),
        ({"action": "confirm", "items": [{"local_id": "u1"}] * 2}, "/items"),
        ({"action": "ignore", "items": [{"local_id": str(n)} for n in range(201)]}, "/items"),
    ],
)
def test_a_review_that_is_none_is_refused(shop, slack, body, pointer):
    answer = shop.post(connection_url(slack, "identities/review"), body, format="json")
    assert summarize_problem(answer) == (400, "validation-failed", [pointer])


def test_a_review_refuses_a_line_break_at_the_row_of_its_field(shop, slack, people):
    rows = [{"local_id": "u1", "remote_id": "U\n1"}, {"local_id": "u\n2", "remote_id": "U2"}]
    body = {"action": "confirm", "items": [*rows, {"local_id": "u3", "remote_id": "U3"}]}
    reviewed = shop.post(connection_url(slack, "identities/review"), body, format="json").json()
    assert reviewed["changed"] == ["u3"]
    problems = {error["local_id"]: error["detail"] for error in reviewed["errors"]}
    assert problems == {
        "u1": "remote_id contains a character that cannot be shown.",
        "u\n2": "local_id contains a character that cannot be shown.",
    }


def test_pages_of_a_queue_follow_each_other(shop, slack, acme):
    users = [Person(f"u{number}") for number in range(7)]
    put_local_users(acme, users, SYSTEM, now=NOON)
    shop.post(connection_url(slack, "identities/suggest"))
    perform_runs()
    url, seen = connection_url(slack, "identities?state=unmatched&limit=3"), []
    while url:
        page = shop.get(url).json()
        seen += [item["local_id"] for item in page["items"]]
        url = page["next"]
    assert seen == [person.id for person in users]


def test_a_directory_is_read_in_the_background_and_suggests(shop, slack, people):
    assert shop.get(connection_url(slack, "directory")).json()["state"] == "never"
    started = shop.post(connection_url(slack, "directory"))
    assert (started.status_code, started.json()["state"]) == (202, "reading")
    read = DirectoryRead.unscoped.get()
    assert WakeUp.objects.filter(name=f"directory:{read.pk}").exists()
    http = FakeHttp(members(member("U1", "Ann Archer")))
    read_next_page(read.pk, call=http.call, now=read.started_at)
    suggest_after_read(read.pk, now=read.started_at)
    document = shop.get(connection_url(slack, "directory")).json()
    assert (document["state"], document["people"], document["pages"]) == ("complete", 1, 1)
    assert Identity.unscoped.get(local_id="u1").state == "suggested"


def test_a_stopped_directory_says_how_many_and_is_confirmed(shop, slack, people):
    read = refresh_directory(slack, SYSTEM, now=NOON + MINUTE)
    read_next_page(read.pk, call=FakeHttp(members()).call, now=NOON + MINUTE)
    url = connection_url(slack, "directory")
    document = shop.get(url).json()
    assert (document["reason"], document["would_deactivate"]) == ("safety_valve", 1)
    assert [person["id"] for person in document["would_deactivate_people"]] == ["U1"]
    confirmed = shop.post(url, {"confirm_deactivations": True}, format="json")
    assert (confirmed.status_code, confirmed.json()["state"]) == (202, "complete")
    again = shop.post(url, {"confirm_deactivations": True}, format="json")
    assert summarize_problem(again)[:2] == (400, "validation-failed")


@pytest.mark.parametrize("is_theirs", [True, False])
def test_a_stopped_list_is_rejected(shop, slack, acme, people, is_theirs):
    DirectoryRead.unscoped.create(
        tenant=acme,
        connection=slack if is_theirs else None,
        state="incomplete",
        reason="safety_valve",
        stopped_count=1,
        started_at=NOON + MINUTE,
        finished_at=NOON + MINUTE,
    )
    url = (
        connection_url(slack, "directory") if is_theirs else "/api/v1/tenants/acme/users/directory"
    )
    both = {"confirm_deactivations": True, "reject_deactivations": True}
    answer = shop.post(url, both, format="json")
    assert summarize_problem(answer) == (400, "validation-failed", ["/reject_deactivations"])
    rejected = shop.post(url, {"reject_deactivations": True}, format="json")
    assert (rejected.status_code, rejected.json()["reason"]) == (202, "list_rejected")
    assert rejected.json()["would_deactivate_people"] == []
    again = shop.post(url, {"reject_deactivations": True}, format="json")
    assert summarize_problem(again)[:2] == (400, "validation-failed")
    kinds = (DirectoryEntry, LocalUser)
    assert not any(kind.unscoped.filter(is_active=False).exists() for kind in kinds)


def test_a_system_without_a_directory_is_refused(shop, make, acme):
    splunk = make.connection(acme, "splunk")
    answer = shop.post(connection_url(splunk, "directory"))
    assert summarize_problem(answer) == (400, "validation-failed", ["/connection"])


def test_our_users_are_read_from_our_application_if_it_is_connected(shop, make):
    url = "/api/v1/tenants/acme/users/directory"
    assert shop.get(url).json()["state"] == "never"
    assert summarize_problem(shop.post(url)) == (400, "validation-failed", ["/tenant"])
    make.connection(None, "app")
    assert shop.post(url).json()["state"] == "reading"


def test_only_those_with_a_conflict_are_listed_on_demand(shop, slack, make):
    make.identity(slack, "user", "u1", "U1")
    make.identity(slack, "user", "u2", "U2")
    Identity.unscoped.filter(local_id="u2").update(conflict="renamed")
    (item,) = shop.get(connection_url(slack, "identities?conflicts=true")).json()["items"]
    assert item["conflict"] == "renamed"
