"""The pages of deliveries: lists that stay fast, a page that says why, buttons that are audited."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from connectors.http import Response
from hub.outgoing.insight.search.conditions import STOPPED_CONDITION
from hub.outgoing.insight.timeline import build_timeline
from hub.outgoing.models import Delivery, Event, EventBody, Exchange, Rendering
from tests.factories import NOON, WHSEC
from tests.fakes import FakeHttp
from tests.hub.outgoing.admin.deliveries import page_of, pump

pytestmark = pytest.mark.django_db

MARKER = "<img src=x onerror=alert(1)>"
LIST = "/admin/outgoing/delivery/"


def queries(client, url):
    client.get(url)
    with CaptureQueriesContext(database) as seen:
        assert client.get(url).status_code == 200
    return len(seen)


def test_the_list_asks_a_fixed_number_of_questions(root, make):
    connection = make.connection()
    make.delivery(connection)
    few = queries(root, LIST)
    for _ in range(20):
        make.delivery(connection)
    assert queries(root, LIST) == few <= 10


def test_the_list_asks_no_more_when_it_is_narrowed(root, make):
    make.delivery()
    narrowed = f"{LIST}?state=held&reason=paused&connector=webhook&since=24h&tenant=x"
    assert queries(root, narrowed) <= 12


def test_the_page_asks_a_fixed_number_of_questions(root, make):
    delivery = make.delivery()
    pump(FakeHttp(Response(500)))
    few = queries(root, page_of(delivery))
    for minutes in (1, 10, 60):
        pump(FakeHttp(Response(500)), NOON + timedelta(minutes=minutes))
    assert queries(root, page_of(delivery)) == few <= 25


def test_a_waiting_delivery_of_a_paused_connection_is_listed_as_held(root, make):
    delivery = make.delivery()
    delivery.connection.pause("weekend", until=None, now=NOON)
    assert "The connection is paused." in root.get(f"{LIST}?state=held").content.decode()
    assert root.get(f"{LIST}?state=waiting").context["cl"].result_count == 0


@pytest.mark.parametrize("term", ["public", "message", "event", "sender"])
def test_an_id_of_any_kind_leads_to_its_delivery(root, make, term):
    delivery = make.delivery()
    make.delivery()
    terms = {
        "public": delivery.public_id,
        "message": delivery.message_id,
        "event": delivery.event.public_id,
        "sender": delivery.event.sender_id,
    }
    found = root.get(LIST, {"q": str(terms[term])}).context["cl"].result_list
    assert [row.pk for row in found] == [delivery.pk]


@pytest.mark.parametrize(
    "term", ["nobody", "msg_", "msg_zz", str(uuid.UUID(int=7)), "\0", "x" * 600]
)
def test_a_search_for_what_is_not_there_finds_nothing(root, make, term):
    make.delivery()
    answer = root.get(LIST, {"q": term})
    assert answer.status_code == 200
    assert len(answer.context["cl"].result_list) == 0


def test_since_narrows_by_the_time_in_the_public_id(root, make):
    make.delivery()
    assert root.get(f"{LIST}?since=1h").context["cl"].result_count == 1
    Delivery.unscoped.update(public_id=uuid.UUID(int=1))
    assert root.get(f"{LIST}?since=1h").context["cl"].result_count == 0


@pytest.mark.skipif(database.vendor != "sqlite", reason="PostgreSQL scans a table of no rows")
def test_what_stopped_is_read_from_its_index():
    assert (
        "deliveries_stopped"
        in Delivery.unscoped.filter(STOPPED_CONDITION, state="failed").explain()
    )


def test_every_text_is_escaped(root, make):
    connection = make.connection(name=MARKER)
    delivery = make.delivery(
        connection, data={"number": MARKER}, name=MARKER, body={"number": "data.number"}
    )
    body = f'{{"said": "{MARKER}"}}'.encode()
    pump(FakeHttp(Response(500, body, {"x-their": MARKER})))
    Delivery.unscoped.update(detail=MARKER)
    for url in (LIST, page_of(delivery, "live"), page_of(delivery)):
        html = root.get(url).content.decode()
        assert MARKER not in html
    assert html.count("&lt;img src=x onerror=alert(1)&gt;") >= 5


def test_no_secret_is_on_any_page(root, make):
    delivery = make.delivery(data={"number": "x", "access_token": "secret-in-the-body"})
    pump(
        FakeHttp(
            Response(
                500, b'{"access_token": "secret-in-the-answer"}', {"set-cookie": "secret-cookie"}
            )
        )
    )
    for url in (LIST, page_of(delivery), page_of(delivery, "live")):
        html = root.get(url).content.decode()
        secrets = ("secret-in-the-body", "secret-in-the-answer", "secret-cookie", WHSEC)
        assert not [secret for secret in secrets if secret in html]


def test_the_timeline_tells_the_way_in_order(make):
    delivery = make.delivery()
    pump(FakeHttp(Response(500)))
    delivery.refresh_from_db()
    titles = [step.title for step in build_timeline(delivery)]
    assert titles == [
        "Received: order.created",
        "Matched: route",
        "Mapped",
        "Attempt 1: Temporary failure",
        "Next attempt",
    ]


def test_what_is_no_longer_kept_is_said(root, make):
    delivery = make.delivery()
    pump()
    for rows in (EventBody, Rendering, Exchange):
        rows.objects.all().delete()
    html = root.get(page_of(delivery)).content.decode()
    assert "The request and response are no longer stored." in html
    assert "The body is no longer stored." in html


def test_half_of_a_surrogate_pair_in_an_answer_does_not_break_the_page(root, make):
    delivery = make.delivery()
    pump(FakeHttp(Response(500, b'{"name": "\\ud800"}')))
    assert root.get(page_of(delivery)).status_code == 200


def test_the_part_that_moves_is_sent_once(root, make):
    delivery = make.delivery()
    pump()
    Delivery.unscoped.update(accepted_at=NOON)
    first = root.get(page_of(delivery, "live"))
    again = root.get(page_of(delivery, "live"), headers={"if-none-match": first["ETag"]})
    assert (first.status_code, again.status_code) == (200, 304)


def test_the_list_shows_the_senders_id_and_tells_two_connections_of_one_system_apart(root, make):
    tenant = make.tenant()
    for account in ("Acme", "Globex"):
        make.delivery(
            make.connection(tenant, name="Slack", account_name=account), data={"number": "1"}
        )
    Event.unscoped.filter(pk=Event.unscoped.first().pk).update(sender_id=f"order-7 {MARKER}")
    page = root.get(LIST).content.decode()
    assert "order-7" in page and MARKER not in page
    assert "Slack (Acme)" in page and "Slack (Globex)" in page


def test_a_delivery_that_was_sent_again_is_told_from_the_first(root, make):
    delivery = make.delivery()
    pump()
    root.post(f"/admin/outgoing/delivery/{delivery.pk}/verbs/send_again/", {"reason": "lost"})
    assert "replay 1" in root.get(page_of(delivery)).content.decode()
    event = root.get(f"/admin/outgoing/event/{delivery.event_id}/change/").content.decode()
    assert event.count("replay ") == 1


def test_the_mapping_of_a_delivery_that_is_held_is_one_click_away(root, make):
    make.route(tenant=(tenant := make.tenant()))
    delivery = make.event(tenant).deliveries.get()
    mapping = f"/admin/mappings/fieldmapping/{delivery.route.mapping_id}/change/"
    assert mapping in root.get(page_of(delivery)).content.decode()
