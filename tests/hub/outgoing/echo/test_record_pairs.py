"""Pairs of created records are stored in short batches, each by itself if one is refused."""

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from hub.db.clock import clock
from hub.mappings.models import Identity
from hub.outgoing.echo import record_pairs
from hub.outgoing.echo.record_pairs import has_due_pairs, store_due_pairs
from hub.outgoing.models import Event, RememberedWrite
from hub.outgoing.tasks import drain

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.corrections(item="2.1"),
]


@pytest.fixture
def create_persons(make):
    """Leads of Salesforce for which the hub made persons; their pairs are due."""
    tenant = make.tenant("acme")
    pipedrive = make.connection(tenant, "pipedrive", account="701", secret={})
    salesforce = make.connection(tenant, "salesforce", account="00D000000000001AAA")
    route = {"action": "create_person", "body": {"name": "data.name"}}

    def create(leads, *, person="person of {}"):
        for lead in leads:
            delivery = make.delivery(pipedrive, data={"id": lead, "name": "Ann"}, **route)
            event = Event.unscoped.filter(pk=delivery.event_id)
            event.update(type="salesforce.lead.created", origin=salesforce)
            RememberedWrite.unscoped.create(
                delivery_id=delivery.pk,
                connection=pipedrive,
                object="person",
                record=person.format(lead),
                fields={},
                is_forwarded=True,
                is_pair_due=True,
                written_at=clock(),
            )

    return create


def list_pairs(kind):
    pairs = Identity.unscoped.filter(kind=kind).order_by("pk")
    return list(pairs.values_list("local_id", "remote_id"))


def count_transactions():
    with CaptureQueriesContext(database) as queries:
        store_due_pairs(now=clock())
    return sum(query["sql"].startswith("BEGIN") for query in queries)


def test_many_pairs_take_as_many_transactions_as_one(create_persons):
    create_persons(["a"])
    count = count_transactions()
    create_persons("bcdefghij")
    assert count_transactions() == count
    assert list_pairs("lead") == [(f"person of {lead}", lead) for lead in "abcdefghij"]
    assert list_pairs("person") == [(lead, f"person of {lead}") for lead in "abcdefghij"]


def test_a_pair_that_cannot_be_stored_stops_no_other(create_persons):
    create_persons(["a", "b\n", "c"])
    store_due_pairs(now=clock())
    assert [local_id for local_id, _ in list_pairs("person")] == ["a", "c"]
    assert not has_due_pairs()


def test_of_two_records_that_were_made_for_one_the_later_is_its_pair(create_persons):
    create_persons(["a"], person="1")
    create_persons(["a"], person="2")
    store_due_pairs(now=clock())
    assert (list_pairs("person"), list_pairs("lead")) == ([("a", "2")], [("1", "a"), ("2", "a")])


def test_all_pairs_are_stored_before_held_deliveries_are_released(create_persons):
    create_persons(range(record_pairs.BATCH_SIZE + 1))
    drain("drain")
    assert not has_due_pairs()
