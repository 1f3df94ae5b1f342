"""The pages of deliveries: lists that stay fast, a page that says why, buttons that are audited."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from connectors.http import Response
from hub.audit import AuditRow
from hub.db.clock import clock
from hub.outgoing.insight.search import STOPPED_CONDITION
from hub.outgoing.insight.timeline import build_timeline
from hub.outgoing.models import Delivery, Event, EventBody, Exchange, Rendering
from hub.outgoing.pump.loop import run_pump
from tests.factories import NOON, WHSEC
from tests.fakes import FakeHttp

pytestmark = pytest.mark.django_db

MARKER = "<img src=x onerror=alert(1)>"
LIST = "/admin/outgoing/delivery/"


def pump(http=None, at=NOON):
    run_pump(
        clock=lambda: at, open_client=(http or FakeHttp()).outlet, random=lambda: 0, idle_seconds=0
    )


def page_of(delivery, name="change"):
    return reverse(f"admin:outgoing_delivery_{name}", args=[delivery.pk])


def verb_of(delivery, name):
    return reverse("admin:outgoing_delivery_verb", args=[delivery.pk, name])


@pytest.fixture
def root(client, make):
    client.force_login(make.user(is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def staff_of(make):
    """A client of a member of staff who belongs to one tenant and may do everything there."""

    def login(tenant):
        from django.contrib.auth.models import Permission

        user = make.staff(tenant)
        user.user_permissions.set(Permission.objects.all())
        client = Client()
        client.force_login(user)
        return client

    return login


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
    for url in (LIST, page_of(delivery), page_of(delivery, "live")):
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


# --- what can be done -----------------------------------------------------------------------------


def test_a_retry_sets_a_dead_delivery_going_and_is_audited(root, make):
    delivery = make.delivery()
    delivery.transition_to("failed", reason="exhausted")
    root.post(verb_of(delivery, "retry"))
    delivery.refresh_from_db()
    assert delivery.state == "waiting"
    assert AuditRow.objects.get(verb="delivery.retry").object_id == str(delivery.public_id)


def test_a_waiting_delivery_is_tried_now_and_audited(root, make):
    delivery = make.delivery()
    pump(FakeHttp(Response(500)), at=clock())
    root.post(verb_of(delivery, "retry"))
    http = FakeHttp()
    pump(http, at=clock())
    assert len(http.requests) == 1
    assert AuditRow.objects.get(verb="delivery.retry").object_id == str(delivery.public_id)


def test_a_retry_that_cannot_go_says_why(root, make):
    make.route(tenant=(tenant := make.tenant()))
    delivery = make.event(tenant).deliveries.get()
    answer = root.post(verb_of(delivery, "retry"), follow=True)
    assert "It cannot be sent until the cause is fixed." in answer.content.decode()


def test_sending_again_asks_first_and_keeps_the_outward_id(root, make):
    delivery = make.delivery()
    pump()
    url = verb_of(delivery, "send_again")
    assert "others may show it twice" in root.get(url).content.decode()
    assert Delivery.unscoped.count() == 1
    root.post(url, {"reason": "they lost it"})
    again = Delivery.unscoped.get(replay_number=1)
    assert again.message_uuid == delivery.message_uuid
    assert AuditRow.objects.get(verb="delivery.send_again").reason == "they lost it"


def test_cancelling_keeps_it_from_going(root, make):
    delivery = make.delivery()
    root.post(verb_of(delivery, "cancel"), {"reason": "a mistake"})
    delivery.refresh_from_db()
    assert delivery.state == "cancelled"


@pytest.mark.parametrize("name", ["retry", "send_again", "cancel"])
def test_a_get_changes_nothing(root, make, name):
    delivery = make.delivery()
    before = Delivery.unscoped.values().get()
    root.get(verb_of(delivery, name))
    assert Delivery.unscoped.values().get() == before


def test_a_page_is_read_and_never_posted_to(root, make):
    delivery = make.delivery()
    assert root.post(page_of(delivery), {"state": "delivered"}).status_code == 405
    assert root.post(page_of(delivery, "live")).status_code == 405


def test_staff_of_another_tenant_find_no_delivery(make, staff_of):
    delivery = make.delivery()
    stranger = staff_of(make.tenant())
    assert stranger.get(LIST, {"q": str(delivery.public_id)}).context["cl"].result_count == 0
    for url in (page_of(delivery), page_of(delivery, "live"), verb_of(delivery, "cancel")):
        assert stranger.get(url).status_code == 404
    assert stranger.post(verb_of(delivery, "cancel"), {"reason": "x"}).status_code == 404


def test_staff_of_the_tenant_read_and_act(make, staff_of):
    delivery = make.delivery()
    mine = staff_of(delivery.tenant)
    assert mine.get(page_of(delivery)).status_code == 200
    mine.post(verb_of(delivery, "cancel"), {"reason": "x"})
    delivery.refresh_from_db()
    assert delivery.state == "cancelled"


def test_staff_of_the_tenant_do_not_change_what_goes_to_our_own_application(make, staff_of, root):
    tenant = make.tenant()
    make.route(
        make.connection(connector="app"), tenant=tenant, action="send_event", body={"type": "type"}
    )
    delivery = make.event(tenant).deliveries.get()
    mine = staff_of(tenant)
    assert mine.get(page_of(delivery)).context["buttons"] == []
    assert mine.post(verb_of(delivery, "cancel"), {"reason": "x"}).status_code == 403
    root.post(verb_of(delivery, "cancel"), {"reason": "x"})
    delivery.refresh_from_db()
    assert delivery.state == "cancelled"


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
