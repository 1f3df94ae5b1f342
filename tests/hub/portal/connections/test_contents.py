"""What becomes of the contents that were sent over a connection that ends."""

import pytest
from django.test import Client

from connectors.http import Response
from hub.db.clock import clock
from hub.mappings.models import Identity
from hub.operations.models import Operation
from hub.operations.operation_runner import run_operation
from hub.outgoing.models import Exchange, Rendering
from tests.fakes import FakeHttp
from tests.hub.outgoing.pump.test_loop import pump
from tests.hub.portal.pages import url_of
from tests.tenants.door import PASSWORD, come_as_guest

pytestmark = pytest.mark.django_db


def deliver(make, connection):
    delivery = make.delivery(connection)
    pump(FakeHttp(Response(200, b"thanks, Ann")))
    delivery.refresh_from_db()
    assert (delivery.state, Exchange.objects.count(), Rendering.objects.count()) == (
        "delivered",
        1,
        1,
    )
    return delivery


def run_erasure(connection):
    operation = Operation.unscoped.get(kind="erase")
    run_operation(operation.pk, clock=clock, pause_between=lambda: None, stopping=lambda: False)
    operation.refresh_from_db()
    return operation


def test_contents_are_kept_by_default(admin, make, connection):
    deliver(make, connection)
    admin.post(url_of(connection, "disconnect/"), {"what_waits": "hold", "sure": "on"})
    assert not Operation.unscoped.exists() and Rendering.objects.exists()


def test_contents_are_erased_and_that_it_was_sent_stays_known(
    reauthenticated_admin, make, connection
):
    delivery = deliver(make, connection)
    make.identity(connection, "user", "7", "U7")
    waits = make.delivery(connection, data={"number": "waits"})
    reauthenticated_admin.post(
        url_of(connection, "disconnect/"), {"what_waits": "hold", "data": "erase", "sure": "on"}
    )
    operation = run_erasure(connection)
    assert (operation.state, operation.processed_count, operation.excluded_count) == (
        "finished",
        1,
        1,
    )
    assert (
        not Exchange.objects.exists()
        and not Rendering.objects.exists()
        and not Identity.unscoped.exists()
    )
    delivery.refresh_from_db()
    waits.refresh_from_db()
    assert (delivery.state, waits.state, delivery.attempts.count()) == ("delivered", "waiting", 1)
    assert (
        reauthenticated_admin.get(f"/t/acme/operations/{operation.public_id}/").status_code == 200
    )


def test_erasing_asks_again_first_and_a_guest_reads_who_can(admin, make, acme, connection):
    deliver(make, connection)
    data = {"what_waits": "hold", "data": "erase", "sure": "on"}
    response = admin.post(url_of(connection, "disconnect/"), data)
    assert response.url.startswith("/accounts/reauthenticate/")
    guest = Client()
    come_as_guest(guest, make.portal_link(acme))
    assert guest.post(url_of(connection, "disconnect/"), data).status_code == 403
    connection.refresh_from_db()
    assert not connection.is_disconnected and Rendering.objects.exists()
    admin.post(response.url, {"password": PASSWORD, "next": url_of(connection, "disconnect/")})
    connection.refresh_from_db()
    assert connection.is_disconnected and Operation.unscoped.filter(kind="erase").exists()


def test_what_waits_is_cancelled_and_erased_with_it(reauthenticated_admin, make, connection):
    waits = make.delivery(connection)
    reauthenticated_admin.post(
        url_of(connection, "disconnect/"), {"what_waits": "cancel", "data": "erase", "sure": "on"}
    )
    run_erasure(connection)
    waits.refresh_from_db()
    assert waits.state == "cancelled"


def test_another_connections_contents_stay(reauthenticated_admin, make, acme, connection):
    theirs = make.connection(acme, settings={"url": "https://theirs.example.com/"})
    deliver(make, theirs)
    make.delivery(connection)
    reauthenticated_admin.post(
        url_of(connection, "disconnect/"), {"what_waits": "cancel", "data": "erase", "sure": "on"}
    )
    run_erasure(connection)
    assert Rendering.objects.exists() and Exchange.objects.exists()
