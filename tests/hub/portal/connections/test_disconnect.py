"""A connection is disconnected in the portal: the consequences first, then what waits."""

import pytest

from hub.connections.models import Connection
from hub.operations.models import Operation
from tests.hub.portal.pages import state_of, text_of, url_of

pytestmark = pytest.mark.django_db


def test_the_consequences_are_shown_before_it_is_disconnected(admin, make, connection):
    make.delivery(connection, name="Orders to us")
    text = text_of(admin, connection, "disconnect/")
    assert "One route uses this connection." in text and "Orders to us" in text
    assert "One delivery is waiting for this connection." in text


def test_it_is_disconnected_and_what_waits_stays(admin, make, connection):
    delivery = make.delivery(connection)
    admin.post(
        url_of(connection, "disconnect/"),
        {"what_waits": "hold", "reason": "not needed", "sure": "on"},
    )
    row = Connection.unscoped.select_related("credential").get(pk=connection.pk)
    assert row.is_disconnected and row.credential.open(row) == {}
    delivery.refresh_from_db()
    assert delivery.state == "waiting"


def test_it_is_disconnected_and_what_waits_is_cancelled(admin, make, connection):
    make.delivery(connection)
    data = {"what_waits": "cancel", "reason": "", "sure": "on"}
    page = admin.post(url_of(connection, "disconnect/"), data, follow=True)
    assert "1 waiting delivery is cancelled." in page.content.decode()
    operation = Operation.unscoped.get()
    assert operation.kind == "cancel"
    assert admin.get(f"/t/acme/operations/{operation.public_id}/").status_code == 200


def test_a_disconnect_for_now_says_when_it_ends_and_can_be_revoked_at_once(
    admin, member, connection
):
    data = {"what_waits": "hold", "revoke": "later", "sure": "on"}
    admin.post(url_of(connection, "disconnect/"), data)
    for client, buttons in ((admin, 1), (member, 0)):
        text = text_of(client, connection)
        assert "The disconnect can be undone" in text and "in 23 hours" in text
        assert text.count("undo_disconnect") == text.count("revoke_now") == buttons
    assert member.post(url_of(connection, "undo_disconnect")).status_code == 403
    admin.post(url_of(connection, "revoke_now"))
    assert "The disconnect can be undone" not in text_of(admin, connection)
    page = admin.post(url_of(connection, "undo_disconnect"), follow=True).content.decode()
    assert "The disconnect can no longer be undone" in page
    assert state_of(connection) == "disabled"


def test_what_is_erased_is_revoked_at_once(reauthenticated_admin, connection):
    data = {"what_waits": "hold", "revoke": "later", "data": "erase", "sure": "on"}
    reauthenticated_admin.post(url_of(connection, "disconnect/"), data)
    assert "The disconnect can be undone" not in text_of(reauthenticated_admin, connection)


def test_a_disconnect_must_be_confirmed(admin, connection):
    admin.post(url_of(connection, "disconnect/"), {"what_waits": "hold"})
    assert state_of(connection) == "healthy"
