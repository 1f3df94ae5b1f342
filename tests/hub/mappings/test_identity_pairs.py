"""Pairs of our records and theirs: confirmed one at a time, unique both ways where people are."""

import threading

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connections, transaction
from django.db import connection as database

from hub.audit import ActorContext, AuditRow
from hub.mappings.identity_pairs import Pair, find_owners, set_identities, set_identity
from hub.mappings.models import Identity
from tests.factories import MINUTE, NOON

pytestmark = pytest.mark.django_db
LATER = NOON + MINUTE


@pytest.fixture
def slack(make):
    return make.connection(make.tenant("acme"), "slack")


def set_pair(connection, local_id, remote_id, kind="user", **how):
    actor = ActorContext.system()
    return set_identity(connection, kind, local_id, remote_id, actor, now=LATER, **how)


def states(connection):
    rows = Identity.unscoped.filter(connection=connection).order_by("local_id")
    return list(rows.values_list("local_id", "remote_id", "state"))


def suggest(connection, local_id, remote_id="", state="suggested"):
    return Identity.unscoped.create(
        connection=connection, kind="user", local_id=local_id, remote_id=remote_id, state=state
    )


def test_a_person_of_theirs_is_paired_with_one_of_ours_only(slack):
    set_pair(slack, "u1", "U1")
    with pytest.raises(ValidationError) as refused:
        set_pair(slack, "u2", "U1")
    assert refused.value.message_dict == {
        "remote_id": ["Already paired with u1. Remove that pair first."]
    }
    assert states(slack) == [("u1", "U1", "confirmed")]


@pytest.mark.corrections(item="1.23")
def test_the_database_keeps_pairs_of_people_unique_both_ways(slack):
    first, second = set_pair(slack, "u1", "U1"), set_pair(slack, "u2", "U2")
    with pytest.raises(IntegrityError), transaction.atomic():
        Identity.unscoped.filter(pk=second.pk).update(remote_id=first.remote_id)
    assert states(slack) == [("u1", "U1", "confirmed"), ("u2", "U2", "confirmed")]


@pytest.mark.corrections(item="1.23")
def test_two_people_can_exchange_their_accounts(slack):
    set_pair(slack, "u1", "U1")
    set_pair(slack, "u2", "U2")
    exchanged = [Pair("user", "u1", "U2"), Pair("user", "u2", "U1")]
    set_identities(slack, exchanged, ActorContext.system(), now=LATER)
    assert states(slack) == [("u1", "U2", "confirmed"), ("u2", "U1", "confirmed")]


def test_a_channel_takes_several_purposes(slack):
    set_pair(slack, "orders", "C0123456789", kind="channel")
    set_pair(slack, "reports", "C0123456789", kind="channel")
    assert len(states(slack)) == 2


def test_the_same_pair_again_is_no_conflict(slack):
    set_pair(slack, "u1", "U1")
    set_pair(slack, "u1", "U1", name="Ann")
    set_pair(slack, "u1", "U2")
    assert states(slack) == [("u1", "U2", "confirmed")]


def test_two_of_ours_in_one_request_cannot_have_the_same_person(slack):
    pairs = [Pair("user", "u1", "U1"), Pair("user", "u2", "U1")]
    assert find_owners(slack, pairs) == {("user", "U1"): "u1"}
    with pytest.raises(ValidationError):
        set_identities(slack, pairs, ActorContext.system(), now=LATER)
    assert states(slack) == []


def test_what_is_confirmed_is_no_suggestion_for_another(slack):
    suggest(slack, "u1", "U1")
    suggest(slack, "u2", "U1")
    identity = set_pair(slack, "u1", "U1", source="email")
    assert (identity.source, identity.state) == ("email", "confirmed")
    assert states(slack) == [("u1", "U1", "confirmed"), ("u2", "", "unmatched")]


PAIR = {"kind": "user", "local_id": "u1", "remote_id": "U01AAAAAA", "name": "Ann"}


@pytest.mark.parametrize("text", ["us\ner", "us\x7fer", "us\u202eer", "u" * 201])
@pytest.mark.parametrize("field", PAIR)
def test_a_text_that_no_list_can_show_is_refused_by_its_field(slack, field, text):
    with pytest.raises(ValidationError) as refused:
        set_pair(slack, **PAIR | {field: text})
    assert list(refused.value.message_dict) == [field]
    assert field in refused.value.messages[0]
    assert states(slack) == []


@pytest.mark.parametrize("field", ["kind", "local_id", "remote_id"])
def test_an_empty_id_is_refused_by_its_field(slack, field):
    with pytest.raises(ValidationError) as refused:
        set_pair(slack, **PAIR | {field: ""})
    assert list(refused.value.message_dict) == [field]


def test_many_are_confirmed_in_a_fixed_number_of_statements(slack, django_assert_max_num_queries):
    pairs = [Pair("user", f"u{number}", f"U{number}") for number in range(50)]
    suggest(slack, "u7", "U7")
    ActorContext.system().audit("connection.test", slack, now=NOON)  # its chain begins
    with django_assert_max_num_queries(22):
        set_identities(slack, pairs, ActorContext.system(), now=LATER)
    assert {state for _, _, state in states(slack)} == {"confirmed"}
    assert AuditRow.objects.get(verb="connection.identify").after["count"] == 50


def test_only_confirmed_pairs_are_used(slack):
    suggest(slack, "u1", "U1")
    set_pair(slack, "u2", "U2")
    assert list(Identity.confirmed().values_list("local_id", flat=True)) == ["u2"]


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_choose_at_once_one_is_refused(make):
    if database.vendor != "postgresql":
        pytest.skip("one writer at a time")
    slack = make.connection(make.tenant("acme"), "slack")
    barrier, refused = threading.Barrier(8), []

    def choose(local_id):
        try:
            barrier.wait(10)
            set_pair(slack, local_id, "U1")
        except ValidationError:
            refused.append(local_id)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=choose, args=(f"u{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(refused) == 7
    assert len(states(slack)) == 1
