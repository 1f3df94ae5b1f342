"""What an earlier release left unfinished is there after the migration, and is sent."""

import json
from datetime import timedelta
from typing import NamedTuple

import pytest
from django.contrib import admin
from django.db import transaction
from django.urls import reverse
from django.utils.module_loading import import_string
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from hub.audit import ActorContext, verify_all_chains, verify_total
from hub.connections.actions.kill_switches import switch_on
from hub.connections.models import (
    HOLDING_STATES,
    Connection,
    ConnectorApp,
    Credential,
    Disconnection,
    KillSwitch,
)
from hub.crypto.sealed import check_keys
from hub.mappings.models import Identity
from hub.operations.models import Operation
from hub.outgoing.models import Delivery, Event
from hub.outgoing.release import release_held_deliveries
from hub.sweep import run_sweep
from hub.throttle.models import QuotaState
from tenants import api_key_format
from tenants.models import User
from tests.factories import NOON, SECRETS, WHSEC
from tests.hub.outgoing.operating import run_operation
from tests.upgrade.fill_outgoing import zeros
from tests.upgrade.outside_world import answer_all, run_pump_once
from tests.upgrade.restore import RELEASES, counted, list_our_tables, restored, upgrade

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
ALL_OF_IT = 8 * HOUR  # until everything that may go has gone
NEEDS_A_PERSON = {"mapping_failed", "not_connected", "unknown_effect"}
SYSTEMS = {"app", "salesforce", "slack", "splunk", "webhook"}


class Counts(NamedTuple):
    tables: dict[str, int]
    states: dict[str, int]


class Drained(NamedTuple):
    waiting: set[int]  # deliveries that could be sent, before
    delivered: set[str]  # message ids that had been, before
    requests: list


@pytest.fixture(scope="module", params=RELEASES)
def release(request):
    return request.param


@pytest.fixture(scope="module")
def before(release, django_db_setup, django_db_blocker):
    """What was counted before the migration. Each test has the migrated database, and leaves it as
    it was.
    """
    with django_db_blocker.unblock(), restored(release):
        before = Counts(*counted())
        upgrade()
        yield before


@pytest.fixture(autouse=True)
def database(before, db):
    pass


def drain(start=NOON + HOUR):
    """Send all that goes out once every cause that holds a whole connection, system or route is
    gone.
    """
    unsent = Delivery.unscoped.filter(state__in=("waiting", "sending"))
    waiting = set(unsent.exclude(expires_at__lt=start).values_list("pk", flat=True))
    delivered = {row.message_id for row in Delivery.unscoped.filter(state="delivered")}
    for connection in Connection.unscoped.filter(state__in=HOLDING_STATES):
        connection.mark_healthy(now=start)
    for switch in KillSwitch.unscoped.filter(expires_at=None):
        switch_on(switch, ActorContext.system(), now=start)
    http, at = answer_all(), start
    while at < start + ALL_OF_IT:
        run_sweep(now=at)
        release_held_deliveries(now=at)
        run_pump_once(http, at=at)
        at += HOUR / 4
    return Drained(waiting, delivered, http.requests)


def test_the_fixture_is_in_the_middle_of_everything(before):
    assert before.states.keys() == set(Delivery.State.values)
    assert set(Connection.unscoped.values_list("connector_key", flat=True)) >= SYSTEMS
    ours = list_our_tables() & before.tables.keys()
    assert [name for name in sorted(ours) if not before.tables[name]] == []


def test_no_row_is_lost(before):
    tables, states = counted()
    lost = [name for name, count in before.tables.items() if tables[name] < count]
    assert (lost, states) == ([], before.states)


def test_identities_and_used_quotas_keep_their_values():
    pairs = Identity.unscoped.filter(state="confirmed").values_list("local_id", "remote_id")
    assert set(pairs) == {("ann@acme.test", "U7")}
    assert QuotaState.objects.filter(connector_key="salesforce", used_units=2).count() == 2
    assert QuotaState.objects.filter(connector_key="slack", is_probing=True).count() == 2


def test_secrets_still_open():
    check_keys()
    secrets = SECRETS | {"app": {"signing_secret": WHSEC}, "pipedrive": {"access_token": "v1u"}}
    disconnection = Disconnection.unscoped.get()
    assert disconnection.open()["secret"] == secrets["slack"]
    connected = Credential.unscoped.exclude(connection=disconnection.connection_id)
    for credential in connected.select_related("connection"):
        connector_key = credential.connection.connector_key
        assert credential.open(credential.connection) == secrets[connector_key]
    app = ConnectorApp.objects.get(connector_key="salesforce")
    assert app.open()["client_secret"] == "app-secret"


def test_the_chains_of_the_audit_are_whole():
    assert [verification.problem for verification in verify_all_chains()] == [""] * 3
    assert verify_total() == ""


def test_bells_that_lie_in_the_queue_are_understood():
    tasks = [SignedPackage.loads(row.payload) for row in OrmQ.objects.all()]
    assert [task["func"] for task in tasks if not callable(import_string(task["func"]))] == []


@pytest.fixture(scope="class")
def drained(before, django_db_blocker):
    """What was sent; undone after the last test of the class, and these only look."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield drain()
        transaction.set_rollback(True)


class TestEverythingIsSent:
    def test_waiting_deliveries_are_sent_and_what_needs_a_person_stays(self, drained):
        waited = Delivery.unscoped.filter(pk__in=drained.waiting)
        assert {row.state for row in waited} == {"delivered"}
        assert not Delivery.unscoped.filter(state__in=("waiting", "sending")).exists()
        assert (
            set(Delivery.unscoped.filter(state="held").values_list("reason", flat=True))
            <= NEEDS_A_PERSON
        )

    def test_nothing_goes_out_twice(self, drained):
        sent = [request for request in drained.requests if "webhook-id" in request.headers]
        ids = [request.headers["webhook-id"] for request in sent]
        assert len(ids) == len(set(ids)) > 0
        assert not drained.delivered & set(ids)

    def test_what_was_ordered_keeps_its_order(self, drained):
        ordered = [request for request in drained.requests if "//ordered." in request.url]
        placed = [json.loads(request.content()) for request in ordered]
        assert len(placed) == Event.unscoped.filter(type="order.moved").count()
        for number in ("A", "B"):
            places = [body["place"] for body in placed if body["number"] == number]
            assert places == sorted(places)


def test_an_operation_that_was_half_done_is_finished():
    for operation in Operation.unscoped.filter(state="running"):
        assert operation.examined_count
        run_operation(operation, at=NOON + HOUR)
        assert (operation.state, operation.examined_count) == ("finished", operation.count)


def test_staff_read_every_page_of_it(client):
    client.force_login(User.objects.get(email="root@example.com"))
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        assert client.get(reverse(f"{name}_changelist")).status_code == 200, name
        for row in one_of_each_state(model):
            assert client.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200, (
                name,
                row,
            )


def one_of_each_state(model):
    return {
        getattr(row, "state", ""): row for row in model._default_manager.order_by("pk")
    }.values()


def test_a_key_of_that_time_reads_and_tells(api):
    client = api(api_key_format.generate_api_key("test", random=zeros))
    document = client.get("/api/v1/deliveries?limit=200").json()
    assert {row["tenant"] for row in document["items"]} == {"acme"}
    answer = client.post(
        "/api/v1/events", {"type": "order.created", "data": {"total": 50}}, format="json"
    )
    assert (answer.status_code, len(answer.json()["deliveries"])) == (202, 4)
