"""A connection whose account is replaced receives what the new one sends."""

import pytest

from connectors.registry import CONNECTORS
from hub.connections.models import Connection
from hub.db.clock import clock
from hub.incoming.models import InboundItem
from hub.incoming.receiving.read_records import find_new_changes
from hub.outgoing.models import Event
from tests.hub.incoming.webhook_posts import post_pipedrive, run_inbox

pytestmark = pytest.mark.django_db(transaction=True)
TIME = "2026-11-24T15:11:55Z"
PERSON = {"id": 31, "name": "Ann", "add_time": TIME, "update_time": TIME}


@pytest.fixture
def connection(make, client):
    connection = make.connection(connector="pipedrive", account="701", secret={})
    post_pipedrive(client, connection)
    run_inbox()
    return connection


def read_person(connection):
    source = CONNECTORS["pipedrive"].webhook_source
    changes = source.record_changes("persons", PERSON, account=connection.account)
    return find_new_changes(connection, changes, now=clock())


def replace_account(connection):
    Connection.unscoped.update(account="702")
    connection.refresh_from_db()


def test_a_record_of_the_new_company_is_new_although_the_old_one_had_its_id(client, connection):
    assert read_person(connection) == []
    replace_account(connection)
    assert len(read_person(connection)) == 1
    post_pipedrive(client, connection, id="6d0b4a5e-0002", entity_id="31")
    run_inbox()
    assert Event.unscoped.count() == 2
    assert read_person(connection) == []


def test_a_creation_that_an_earlier_release_stored_is_known(connection):
    InboundItem.unscoped.update(item_key="person.created:31", record="")
    Event.unscoped.update(sender_id="")
    assert read_person(connection) == []
