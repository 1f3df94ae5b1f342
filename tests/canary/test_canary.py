"""A marked secret is in every sealed field, and in no page, answer, log, mail, queue or dump."""

import io
import logging
import sys
from functools import partial

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import Client, RequestFactory
from django.views.debug import get_exception_reporter_class
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from connectors.registry import CONNECTORS
from hub.audit.heads import AuditHead
from hub.connections.actions import connection_actions
from hub.connections.credentials.revoke import attempt_revocation
from hub.crypto.rotation import sealed_columns
from hub.crypto.sealed import KeyCanary, field_cipher
from hub.logs import build_formatter
from hub.throttle.models import QuotaState
from tests.canary.secret_canaries import (
    HAND,
    NOWHERE,
    CanaryRows,
    build_secrets,
    find_secret,
    raise_error,
)
from tests.clients import Api
from tests.tenant_isolation.test_pages import SAID
from tests.tenant_isolation.url_walk import addresses, routes
from tests.tenants.door import come_as_guest, sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]

SHOWS = "reveal"  # the one page whose purpose it is, for an admin who has just shown who they are
ENDS = "logout"
ELSEWHERE = ("admin/", "api/", "t/")


@pytest.fixture
def lines():
    """What is logged at DEBUG, as it is written; no line may show a secret."""
    written, stream_handler, root = [], logging.StreamHandler(io.StringIO()), logging.getLogger()
    stream_handler.emit = lambda record: written.append(stream_handler.format(record))
    stream_handler.setFormatter(build_formatter())
    level = root.level
    root.addHandler(stream_handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(stream_handler)
    root.setLevel(level)
    assert [line for line in written if find_secret(line)] == []


@pytest.fixture
def canary_rows(make, lines):
    canary_rows = CanaryRows(make)
    canary_rows.live()
    return canary_rows


def responses_of(client, route, *, but=(), posted=None):
    """Yield a title and a response for each address of the route without a word of `but`: of a GET
    and, with `posted`, of a POST, which is undone.
    """
    chosen = [each for each in addresses(route) if not any(word in each for word in but)]
    for address in chosen:
        yield f"GET {address}", client.get(address)
        if posted is not None:
            with transaction.atomic():
                yield f"POST {address}", client.post(address, posted)
                transaction.set_rollback(True)


def body_of(answer):
    parts = answer.streaming_content if answer.streaming else [answer.content]
    return b"".join(parts).decode() + str(answer.headers) + str(answer.cookies)


def pages_with_secrets(looks):
    """Return the addresses whose pages show a secret; some page must open, and none may fail."""
    seen = [
        (address, answer.status_code, find_secret(body_of(answer))) for address, answer in looks
    ]
    assert any(status == 200 for _address, status, _found in seen)
    assert not [address for address, status, _found in seen if status == 500]
    return [(address, where) for address, _status, where in seen if where]


def find_pages_with_secrets(client, beginning, *, but=(), posted=None):
    return pages_with_secrets(
        look
        for route in routes(beginning)
        for look in responses_of(client, route, but=but, posted=posted)
    )


# --- that there is something to be found ----------------------------------------------------------


SEALED_AS_A_PROOF = (KeyCanary, AuditHead)  # what is sealed there stands elsewhere, too


def test_every_sealed_place_holds_a_canary(canary_rows):
    silent = {
        place.name
        for place in sealed_columns()
        if place.model not in SEALED_AS_A_PROOF and not holds(place)
    }
    assert silent == set()


def holds(place):
    return any(
        find_secret(decrypt_value(value))
        for value in place.rows().values_list(place.column, flat=True)
    )


def decrypt_value(value):
    if isinstance(value, dict):
        return "".join(map(decrypt_value, value.values()))
    ciphertext = getattr(value, "_ciphertext", value)
    return (
        field_cipher().decrypt(ciphertext).decode() if str(ciphertext).startswith("gAAAA") else ""
    )


def test_the_page_that_shows_a_secret_shows_it(canary_rows, make):
    make.membership(canary_rows.tenant, make.user("ben@acme.test"), "admin")
    client = Client()
    sign_in(client, "ben@acme.test")
    (route,) = [route for route in routes("t/") if SHOWS in "".join(addresses(route))]
    assert any(
        find_secret(body_of(answer)) for _address, answer in responses_of(client, route, posted={})
    )


# --- that it is found nowhere else ----------------------------------------------------------------


def test_no_page_of_a_customer_shows_a_secret(canary_rows):
    assert (
        find_pages_with_secrets(
            canary_rows.browser(Client(), canary_rows.owner), "t/", but=(SHOWS,), posted=SAID
        )
        == []
    )


# tests/bench/test_portal_pages.py opens the pages of staff on each
@pytest.mark.one_database
def test_no_page_of_staff_shows_a_secret(canary_rows):
    assert (
        find_pages_with_secrets(
            canary_rows.browser(Client(), canary_rows.staff), "admin/", but=(ENDS,), posted={}
        )
        == []
    )


def test_no_answer_of_the_api_shows_a_secret(canary_rows, make):
    assert find_pages_with_secrets(Api(make).platform(), "api/", posted={}) == []


def test_input_of_a_program_or_a_person_is_not_shown_in_a_response(canary_rows, make, settings):
    """It is tested, and nobody answers there."""
    settings.HUB_EGRESS_ALLOW = ["127.0.0.1:443"]
    client, person = Api(make).platform(), canary_rows.browser(Client(), canary_rows.owner)
    for connector in (
        row.connector
        for row in canary_rows.connections
        if row.tenant and not row.connector.needs_oauth
    ):
        stated = {field.key for field in connector.fields}
        kept = {key: value for key, value in build_secrets(connector.key).items() if key in stated}
        data = {
            "tenant": "acme",
            "connector": connector.key,
            "settings": {"url": NOWHERE},
            "secrets": kept,
        }
        answers = [client.post("/api/v1/connections", data, format="json")]
        said = {"name": "mine", "url": NOWHERE} | kept
        answers += [person.post(f"/t/acme/connect/{connector.key}/fill-in/", said)]
        assert [find_secret(body_of(answer)) for answer in answers] == [[], []]
        if connector.has_probe:
            assert [answer.status_code for answer in answers] == [422, 422]


def test_no_page_of_a_person_shows_a_secret(canary_rows):
    client = canary_rows.browser(Client(), canary_rows.owner)
    chosen = [
        route for route in routes("") if not route.startswith(ELSEWHERE) and ENDS not in route
    ]
    assert (
        pages_with_secrets(look for route in chosen for look in responses_of(client, route)) == []
    )


@pytest.mark.one_database  # a guest's pages are those of a customer, who opens them on each
def test_no_page_of_a_guest_shows_a_secret(canary_rows, make):
    """Who came by a portal link to all pages of the tenant, and who came by a connect link for each
    connection, to the pages of its system.
    """
    client = Client()
    come_as_guest(client, make.portal_link(canary_rows.tenant))
    assert find_pages_with_secrets(client, "t/", but=(SHOWS,), posted=SAID) == []
    for connection in canary_rows.connections:
        if connection.tenant:
            link = make.connect_link(
                canary_rows.tenant,
                connection.connector_key,
                connection=connection,
                now=canary_rows.now,
            )
            client = Client()
            response = client.post(f"/connect/link/{link.token}/")
            assert response.status_code in (200, 302) and not find_secret(body_of(response))
            others = [f"/connect/{key}/" for key in CONNECTORS.keys() - {link.connector_key}]
            assert find_pages_with_secrets(client, "connect/", but=others, posted={}) == []


def test_no_report_of_an_error_shows_a_secret(canary_rows):
    found = dict(reports(canary_rows))
    assert sum(bool(report) for report in found.values()) > 10
    assert {
        name: find_secret(report) for name, report in found.items() if find_secret(report)
    } == {}


def reports(canary_rows):
    """What Django shows and mails of an error while a secret is in use."""
    # a call that has to wait for its quota would not come to its error
    QuotaState.objects.all().delete()
    for connection in canary_rows.connections:
        yield report_of(
            f"test {connection}",
            partial(
                connection_actions.perform_connection_test,
                connection,
                HAND,
                call=raise_error,
                now=canary_rows.now,
            ),
        )
        yield report_of(
            f"refresh {connection}", partial(canary_rows.refresh_token, connection, raise_error)
        )
        yield report_of(
            f"authorize {connection}", partial(canary_rows.authorize, connection, raise_error)
        )
    for row in canary_rows.create_revocations():
        yield report_of(
            f"revoke {row.connector_key}",
            partial(attempt_revocation, row, call=raise_error, clock=lambda: canary_rows.now),
        )


def report_of(name, do):
    try:
        with transaction.atomic():
            do()
    except RuntimeError:
        request = RequestFactory().get("/")
        reporter = get_exception_reporter_class(request)(request, *sys.exc_info())
        return name, reporter.get_traceback_html() + reporter.get_traceback_text()
    return name, ""


def test_nothing_in_the_queue_shows_a_secret(canary_rows):
    tasks = [SignedPackage.loads(row.payload) for row in OrmQ.objects.all()]
    assert tasks
    assert [task for task in tasks if find_secret(str(task))] == []


def test_no_dump_shows_a_secret(canary_rows):
    dump = io.StringIO()
    call_command("dumpdata", stdout=dump)
    assert "connections.credential" in dump.getvalue()
    assert find_secret(dump.getvalue()) == []
