"""Suggestions are stored for a person to decide; decisions are kept, and conflicts are found."""

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from connectors.directories import Person
from hub.audit import AuditRow
from hub.identities.local_users import put_local_users
from hub.identities.people_store import store_directory_entries
from hub.identities.review.decisions import (
    confirm_identities,
    ignore_identities,
    keep_identities,
    reopen_identities,
)
from hub.identities.suggest import count_suggestions, suggest_identities
from hub.mappings.models import Identity
from hub.outgoing.models import Delivery
from hub.outgoing.release import release_held_deliveries
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.identities.people import SYSTEM
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db
LATER = NOON + MINUTE


@pytest.fixture
def slack(make):
    return make.connection(make.tenant("acme"), "slack")


def store_and_suggest(connection, local, remote, *, now=NOON):
    """Put our users, and the system's, and suggest."""
    put_local_users(connection.tenant, local, SYSTEM, complete=True, now=now)
    store_directory_entries(connection, remote, kind="user", now=now)
    return suggest_identities(connection, SYSTEM, now=now)


def states(connection):
    rows = Identity.unscoped.filter(connection=connection).order_by("local_id")
    return {row.local_id: (row.state, row.remote_id, row.conflict) for row in rows}


ANN, BOB = Person("u1", "Ann Archer", "ann@acme.test"), Person("u2", "Bob Baker", "bob@acme.test")
ANN_THERE = Person("U1", "Ann Archer", "ann@acme.test")


@pytest.mark.corrections(item="3.5")
@pytest.mark.django_db(transaction=True)
def test_of_many_people_each_thousand_is_stored_by_itself(slack):
    people = [Person(f"u{number}", f"Person {number}") for number in range(2_100)]
    put_local_users(slack.tenant, people, SYSTEM, complete=True, now=NOON)
    with CaptureQueriesContext(database) as queries:
        assert suggest_identities(slack, SYSTEM, now=NOON).unmatched == 2_100
    transactions = " ".join(query["sql"].split()[0] for query in queries).split("COMMIT")
    assert len([statements for statements in transactions if "INSERT" in statements]) == 3 + 1


def test_a_suggestion_waits_for_a_person(slack):
    counts = store_and_suggest(slack, [ANN, BOB], [ANN_THERE])
    assert (counts.suggested, counts.unmatched, counts.confirmed) == (1, 1, 0)
    assert states(slack) == {"u1": ("suggested", "U1", ""), "u2": ("unmatched", "", "")}
    identity = Identity.unscoped.get(local_id="u1")
    assert (identity.source, identity.confidence, identity.name) == ("email", 0.99, "Ann Archer")
    assert not Identity.confirmed().exists()
    result = confirm_identities(slack, {"u1": ""}, SYSTEM, now=LATER)
    assert (result.changed, result.errors) == (("u1",), {})
    identity.refresh_from_db()
    assert (identity.state, identity.source, identity.confidence) == ("confirmed", "email", 0.99)


def test_the_same_suggestions_again_change_nothing(slack):
    store_and_suggest(slack, [ANN, BOB], [ANN_THERE])
    before = list(Identity.unscoped.values().order_by("pk"))
    suggest_identities(slack, SYSTEM, now=LATER)
    assert list(Identity.unscoped.values().order_by("pk")) == before


def test_what_a_person_decided_stays(slack):
    store_and_suggest(slack, [ANN, BOB], [ANN_THERE])
    confirm_identities(slack, {"u2": "U1"}, SYSTEM, now=LATER)
    ignore_identities(slack, ["u1"], SYSTEM, now=LATER)
    suggest_identities(slack, SYSTEM, now=LATER)
    assert states(slack) == {"u1": ("ignored", "", ""), "u2": ("confirmed", "U1", "")}
    reopen_identities(slack, ["u1"], SYSTEM, now=LATER)
    suggest_identities(slack, SYSTEM, now=LATER)
    assert states(slack)["u1"] == ("unmatched", "", "")


def test_who_left_is_out_of_the_queue(slack):
    store_and_suggest(slack, [ANN, BOB], [ANN_THERE])
    store_and_suggest(slack, [BOB], [ANN_THERE], now=LATER)
    assert states(slack) == {"u2": ("unmatched", "", "")}


def test_several_people_go_to_the_queue_with_their_candidates(slack):
    twins = [Person("U1", "Ann Archer"), Person("U2", "Ann Archer")]
    store_and_suggest(slack, [Person("u1", "Ann Archer")], twins)
    assert states(slack) == {"u1": ("ambiguous", "", "two_candidates")}
    candidates = Identity.unscoped.get().evidence["candidates"]
    assert [entry["remote_id"] for entry in candidates] == ["U1", "U2"]
    confirm_identities(slack, {"u1": "U2"}, SYSTEM, now=LATER)
    assert states(slack) == {"u1": ("confirmed", "U2", "")}


def test_the_second_best_of_someone_whose_best_is_paired_waits_for_a_decision(slack):
    again = Person("U2", "Ann Archer")
    store_and_suggest(slack, [ANN, BOB], [ANN_THERE, again])
    assert states(slack)["u1"] == ("suggested", "U1", "")
    confirm_identities(slack, {"u2": "U1"}, SYSTEM, now=LATER)
    suggest_identities(slack, SYSTEM, now=LATER)
    assert states(slack)["u1"] == ("ambiguous", "", "best_is_paired")
    identity = Identity.unscoped.get(local_id="u1")
    assert [entry["remote_id"] for entry in identity.evidence["candidates"]] == ["U2"]
    assert identity.evidence["reason"] == "best_is_paired"


def test_what_cannot_be_confirmed_does_not_stop_the_others(slack):
    store_and_suggest(slack, [ANN, BOB], [ANN_THERE])
    result = confirm_identities(slack, {"u1": "", "u2": "U1", "u3": ""}, SYSTEM, now=LATER)
    assert result.changed == ("u1",)
    assert result.errors == {
        "u2": "Already paired with u1. Remove that pair first.",
        "u3": "Nothing is suggested. Choose a record.",
    }


def test_a_pair_that_waits_for_another_to_move_fails_with_it(slack, make):
    for local_id, remote_id in (("u2", "U1"), ("u3", "U2")):
        make.identity(slack, "user", local_id, remote_id)
    store_and_suggest(slack, [ANN], [])
    result = confirm_identities(slack, {"u1": "U1", "u2": "U2", "u4": "U4"}, SYSTEM, now=LATER)
    assert result.changed == ("u4",)
    assert result.errors == {
        "u1": "Already paired with u2. Remove that pair first.",
        "u2": "Already paired with u3. Remove that pair first.",
    }


def test_two_of_ours_exchange_their_counterparts(slack, make):
    for local_id, remote_id in (("u1", "U1"), ("u2", "U2")):
        make.identity(slack, "user", local_id, remote_id)
    result = confirm_identities(slack, {"u1": "U2", "u2": "U1"}, SYSTEM, now=LATER)
    assert result.changed == ("u1", "u2") and not result.errors


def test_fifty_are_confirmed_in_a_fixed_number_of_statements(slack, django_assert_max_num_queries):
    local = [Person(f"u{n}", f"Ann Archer{n}", f"a{n}@acme.test") for n in range(50)]
    remote = [Person(f"U{n}", f"Ann Archer{n}", f"a{n}@acme.test") for n in range(50)]
    assert store_and_suggest(slack, local, remote).suggested == 50
    with django_assert_max_num_queries(30):
        confirm_identities(slack, {person.id: "" for person in local}, SYSTEM, now=LATER)
    assert count_suggestions(slack).confirmed == 50
    assert AuditRow.objects.filter(verb="connection.identify").count() == 1


@pytest.mark.parametrize(
    ("there", "conflict"),
    [
        (Person("U1", "Ann Archer", is_active=False), "deactivated"),
        (Person("U1", "Cat Cole"), "renamed"),
        (Person("U1", "Ann Archer", "info@acme.test"), "shared_mailbox"),
        (Person("U1", "ARCHER, Ann"), ""),
    ],
)
def test_conflicts_of_confirmed_pairs_are_found_and_can_be_kept(slack, there, conflict):
    store_and_suggest(slack, [ANN], [ANN_THERE])
    confirm_identities(slack, {"u1": ""}, SYSTEM, now=NOON)
    store_and_suggest(slack, [ANN], [there], now=LATER)
    assert states(slack) == {"u1": ("confirmed", "U1", conflict)}
    kept = keep_identities(slack, ["u1"], SYSTEM, now=LATER)
    assert bool(kept.errors) == (not conflict)
    suggest_identities(slack, SYSTEM, now=LATER + MINUTE)
    assert states(slack) == {"u1": ("confirmed", "U1", "")}
    assert Identity.confirmed().get().updated_at == NOON  # nothing is released by it


def test_a_person_who_is_renamed_twice_is_shown_and_kept_with_the_last_name(slack):
    store_and_suggest(slack, [ANN], [ANN_THERE])
    confirm_identities(slack, {"u1": ""}, SYSTEM, now=NOON)
    for number, name in enumerate(("Cat Cole", "Dora Dunn")):
        store_and_suggest(slack, [ANN], [Person("U1", name)], now=LATER + number * MINUTE)
    assert Identity.confirmed().get().evidence["detail"] == "Dora Dunn"
    keep_identities(slack, ["u1"], SYSTEM, now=LATER)
    suggest_identities(slack, SYSTEM, now=LATER + 3 * MINUTE)
    assert states(slack) == {"u1": ("confirmed", "U1", "")}


def test_old_pairs_of_two_with_one_are_a_conflict(slack, make):
    for local_id in ("u1", "u2"):
        make.identity(slack, "user", local_id, "U1")
    store_and_suggest(slack, [ANN, BOB], [ANN_THERE])
    assert {conflict for _, _, conflict in states(slack).values()} == {"two_to_one"}


def test_whom_only_events_name_is_found_by_the_address_and_released_once(make):
    delivery = make.delivery(body={"owner": "identity('user', data.email)"})
    pump(FakeHttp())
    connection = delivery.connection
    store_directory_entries(
        connection, [Person("005A", "Ann Archer", "ann@acme.test")], kind="user", now=NOON
    )
    suggest_identities(connection, SYSTEM, now=NOON)
    assert states(connection) == {"ann@acme.test": ("suggested", "005A", "")}
    assert release_held_deliveries(now=NOON) == 0
    confirm_identities(connection, {"ann@acme.test": ""}, SYSTEM, now=LATER)
    assert release_held_deliveries(now=LATER) == 1
    http = pump(FakeHttp(), at=LATER)
    assert [request.content() for request in http.requests] == [b'{"owner":"005A"}']
    assert Delivery.unscoped.get().state == "delivered"


def test_suggestions_of_one_tenant_see_no_other(slack, make):
    other = make.connection(make.tenant(), "slack")
    put_local_users(other.tenant, [ANN], SYSTEM, now=NOON)
    store_directory_entries(slack, [ANN_THERE], kind="user", now=NOON)
    suggest_identities(slack, SYSTEM, now=NOON)
    suggest_identities(other, SYSTEM, now=NOON)
    assert states(slack) == {}
    assert states(other) == {"u1": ("unmatched", "", "")}
