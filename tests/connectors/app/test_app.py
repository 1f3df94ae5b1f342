"""Our own application: what it answers, what it is told."""

import json

import pytest

from connectors.app.actions import CALLS, REQUESTS
from connectors.app.collections import Orders
from connectors.app.connector import App
from connectors.http import Response
from tests.connectors.recorded import NOON, ORDER, credential, fixtures, message, recorded, rendered

SEND = App().action("send_event")
EXPECTED = {
    "send_event__ok": ("delivered", "", None),
    "send_event__created": ("delivered", "", None),
    "send_event__accepted": ("delivered", "", None),
    "send_event__no_content": ("delivered", "", None),
    "send_event__moved": ("never", "redirected", None),
    "send_event__bad_request": ("never", "status_400", None),
    "send_event__unauthorized": ("reconnect", "unauthorized", None),
    "send_event__forbidden": ("never", "status_403", None),
    "send_event__unknown_tenant": ("never", "status_404", None),
    "send_event__timeout": ("later", "status_408", None),
    "send_event__conflict": ("never", "status_409", None),
    "send_event__unprocessable": ("never", "status_422", None),
    "send_event__too_early": ("later", "status_425", None),
    "send_event__too_many": ("later", "throttled", 30.0),
    "send_event__server_error": ("unknown", "status_500", None),
    "send_event__bad_gateway": ("unknown", "status_502", None),
    "send_event__deploying": ("later", "unavailable", 15.0),
    "send_event__gateway_timeout": ("unknown", "status_504", None),
}


def build_send_request(body=None, **changes):
    return SEND.request([message(body or rendered(SEND.example), **changes)], credential("app"))


def test_every_recorded_answer_is_in_the_table():
    assert fixtures("app") == sorted(EXPECTED)


@pytest.mark.parametrize(("name", "expected"), EXPECTED.items())
def test_reads(name, expected):
    (outcome,) = SEND.read_outcomes(recorded("app", name), [message(ORDER)])
    assert (outcome.kind, outcome.reason, outcome.after) == expected


def test_a_429_rests_all_calls_to_the_application():
    (outcome,) = SEND.read_outcomes(recorded("app", "send_event__too_many"), [message(ORDER)])
    assert outcome.paused_scopes == (CALLS, REQUESTS)


def test_the_tenant_is_named_in_a_header_and_in_the_body():
    request = build_send_request(tenant="acme")
    assert request.headers["Hub-Tenant"] == json.loads(request.content())["tenant"] == "acme"


def test_a_mapping_cannot_name_another_tenant():
    request = build_send_request({"type": "a", "data": {}, "tenant": "victim"}, tenant="acme")
    assert json.loads(request.content())["tenant"] == "acme"


def test_a_tenant_of_any_letters_fits_a_header():
    assert (
        build_send_request(tenant="Müller\r\nX: y").headers["Hub-Tenant"]
        == "M%C3%BCller%0D%0AX:%20y"
    )


def test_its_health_is_asked_with_a_signature():
    request = App().probe_request(credential("app"), at=NOON)
    assert (request.method, request.url) == ("GET", "https://app.example.com/hub/health")
    assert request.headers["webhook-signature"].startswith("v1,")


def test_a_probe_reads_like_any_answer():
    assert App().parse_probe(recorded("app", "send_event__ok"), credential("app")).id == "app"
    assert (
        App().parse_probe(recorded("app", "send_event__unauthorized"), credential("app")).kind
        == "reconnect"
    )


@pytest.mark.parametrize("name", ["updated_since", "updated_until", "after", "limit"])
def test_a_read_cannot_be_narrowed_by_a_parameter_of_the_api(name):
    """A read of some records would pass for one of all."""
    with pytest.raises(ValueError, match="is no field"):
        Orders().page_request(
            credential("app"), at=NOON, tenant="acme", **{name: "2026-11-25T00:00:00Z"}
        )


def test_a_customer_is_created_and_its_id_is_kept():
    action = App().action("create_customer")
    body = {"name": "Acme Teas", "phone": None, "reference": "0015g"}
    request = action.request([message(body, tenant="acme")], credential("app"))
    assert (request.method, request.url) == ("POST", "https://app.example.com/hub/customers")
    sent_body = {"name": "Acme Teas", "reference": "0015g", "tenant": "acme"}
    assert json.loads(request.content()) == sent_body
    (outcome,) = action.read_outcomes(Response(201, b'{"id": "C-1001"}'), [message(body)])
    assert (outcome.kind, outcome.reference) == ("delivered", "C-1001")
