"""The preview: the request that would be sent, beside the one that was sent last."""

import json
from datetime import UTC

import pytest

from connectors.http import Response
from connectors.registry import CONNECTORS
from connectors.schema import Message
from hub.audit import ActorContext
from hub.mappings.mapping_actions import change_mapping
from hub.mappings.translate import compile_mapping, translate
from hub.outgoing.insight.mapping_editor.masked_credential import (
    PLACEHOLDER,
    build_masked_credential,
)
from hub.outgoing.insight.mapping_editor.request_text import build_request_text
from hub.outgoing.models import Delivery, Event, Rendering
from hub.outgoing.models.events import build_event_document
from tests.factories import NOON, ORDER, WHSEC
from tests.fakes import FakeHttp
from tests.hub.outgoing.pump.test_loop import pump
from tests.hub.portal.mappings.test_editor import build_posted_rows
from tests.hub.portal.mappings.test_mappings import page_of, text

pytestmark = pytest.mark.django_db
BODY = {"number": "data.number", "customer": "data.customer"}
ROWS = [("number", "path", "data.number"), ("customer", "path", "data.customer")]


@pytest.fixture
def connection(make, acme):
    secret = {"signing_secret": WHSEC, "headers": '{"X-Team": "secret-of-theirs"}'}
    return make.connection(acme, secret=secret)


@pytest.fixture
def mapping(make, acme, connection):
    mapping = make.mapping(acme, "webhook", "send", BODY)
    make.route(connection, mapping=mapping, name="New orders")
    return mapping


@pytest.fixture
def delivered(make, acme, mapping):
    """A delivery that arrived, of the current version."""
    event = make.event(acme, id="sent-last")
    pump(FakeHttp(Response(200, b"")))
    return Delivery.unscoped.get(event=event)


def preview(admin, mapping, *rows, **more):
    return text(
        admin.post(page_of(mapping, "edit"), build_posted_rows(*rows, do="preview", **more))
    )


def test_without_an_event_it_says_so(admin, mapping):
    html = text(admin.get(page_of(mapping, "edit")))
    assert "No event of these types was accepted recently" in html


def test_the_whole_request_is_shown_and_no_secret(make, admin, acme, mapping):
    make.event(acme)
    html = text(admin.get(page_of(mapping, "edit")))
    assert "POST https://example.com/hook" in html
    assert "&quot;customer&quot;: &quot;Ann&quot;" in html
    assert "webhook-signature: ***" in html and "X-Team: ***" in html
    assert "secret-of-theirs" not in html and WHSEC not in html and PLACEHOLDER not in html
    assert "No delivery of this route has arrived yet" in html


def test_what_was_sent_last_stands_beside_it(admin, mapping, delivered):
    html = text(admin.get(page_of(mapping, "edit")))
    assert "Sent last time" in html and f"deliveries/{delivered.public_id}/" in html
    assert "The same as the last request." in html and "mapping-changed" not in html
    assert "by version 1" in html


def test_the_difference_is_marked_on_both_sides(admin, mapping, delivered):
    html = preview(admin, mapping, ROWS[0], ("customer", "path", "data.customer", "upper"))
    assert "What differs from the last request is marked." in html
    changed = [part.split("</span>")[0] for part in html.split('class="mapping-changed">')[1:]]
    assert [line.split("</i>")[1].strip() for line in changed] == [
        "&quot;customer&quot;: &quot;Ann&quot;",
        "&quot;customer&quot;: &quot;ANN&quot;",
    ]


def test_another_event_can_be_chosen(make, admin, acme, mapping):
    first = make.event(acme, data={"number": "A-1"})
    make.event(acme, data={"number": "A-2"})
    assert "A-2" in preview(admin, mapping, ROWS[0])
    assert "A-1" in preview(admin, mapping, ROWS[0], event=str(first.public_id))


def test_an_event_of_another_tenant_cannot_be_chosen(make, admin, globex, acme, mapping):
    make.event(acme, data={"number": "A-2"})
    make.route(make.connection(globex), name="theirs")
    other = make.event(globex, data={"number": "only-theirs"})
    assert "only-theirs" not in preview(admin, mapping, ROWS[0], event=str(other.public_id))


def test_nothing_is_stored_or_sent(admin, mapping, delivered):
    before = [model.unscoped.count() for model in (Event, Delivery)], Rendering.objects.count()
    preview(admin, mapping, ("x", "constant", "changed"))
    after = [model.unscoped.count() for model in (Event, Delivery)], Rendering.objects.count()
    assert (before, mapping.current.number) == (after, 1)


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        (("number", "identity", "data.number", "", "order"), "This event would be held:"),
        (("number", "path", "data.misspelt"), "data.misspelt found nothing in this event"),
        (("number", "expression", "divide(`1`, `0`)"), "cannot divide by zero"),
    ],
)
def test_what_would_go_wrong_is_said(make, admin, acme, mapping, row, shown):
    make.event(acme)
    assert shown in preview(admin, mapping, row)


def test_a_filter_that_rejects_the_event_is_said(make, admin, acme, mapping):
    mapping.routes.update(filter="data.total > `1000`")
    make.event(acme)
    assert "This event would not be sent:" in preview(admin, mapping, ROWS[0])


def test_a_disconnected_connection_still_has_a_preview(make, admin, acme, mapping, connection):
    make.event(acme)
    connection.credential.delete()
    assert "POST https://example.com/hook" in text(admin.get(page_of(mapping, "edit")))


def test_each_route_has_its_own_preview(make, admin, acme, mapping):
    settings = {"url": "https://second.example.com/hook"}
    route = make.route(make.connection(acme, settings=settings), mapping=mapping, name="Second")
    make.event(acme)
    html = preview(admin, mapping, ROWS[0], route=str(route.public_id))
    assert "POST https://second.example.com/hook" in html


@pytest.mark.parametrize(
    ("connector", "action"),
    [
        (connector, action)
        for connector in CONNECTORS.values()
        for action in connector.actions
        if action.example
    ],
)
def test_every_action_builds_its_request_without_secrets(make, connector, action):
    connection = make.connection(None, connector.key, secret={})
    body = translate(
        compile_mapping(action.example),
        build_event_document("e-1", "order.created", make.tenant(), NOON, ORDER),
        zone=UTC,
        look_up_identity=lambda kind, local_id: "C0123456789",
    )
    raw = json.dumps(body).encode()
    message = Message(id="msg_1", body=body, raw=raw, at=NOON, type="order.created")
    request = action.request([message], build_masked_credential(connection, None, action))
    shown = "\n".join(build_request_text(request).lines)
    assert "https://" in shown and PLACEHOLDER not in shown and "AAAA" not in shown


# --- versions of deliveries -----------------------------------------------------------------------


def test_a_delivery_keeps_the_version_that_rendered_it_and_shows_it(admin, mapping, delivered):
    change_mapping(mapping, ActorContext.system(), body={"number": "data.number"}, now=NOON)
    delivered.refresh_from_db()
    assert delivered.mapping_version.number == 1
    assert json.loads(bytes(Rendering.objects.get(pk=delivered.pk).body)) == {
        "number": "A-1001",
        "customer": "Ann",
    }
    html = text(admin.get(f"/t/acme/deliveries/{delivered.public_id}/"))
    assert f"/t/acme/mappings/{mapping.public_id}/versions/" in html and "version 1" in html
