"""The pages of events, and the test event that staff send."""

import json

import pytest
from django.contrib.auth.models import Permission
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from hub.audit import AuditRow
from hub.outgoing.models import Event, EventBody

pytestmark = pytest.mark.django_db

LIST = "/admin/outgoing/event/"
SEND = "/admin/outgoing/event/send/"
MARKER = "<img src=x onerror=alert(1)>"


def page_of(event, name="change"):
    return f"{LIST}{event.pk}/{name}/"


def queries(client, url):
    client.get(url)
    with CaptureQueriesContext(database) as seen:
        assert client.get(url).status_code == 200
    return len(seen)


def test_lists_and_pages_ask_a_fixed_number_of_questions(root, make):
    tenant = make.tenant()
    event = make.event(tenant)
    make.connection(tenant)
    make.route(tenant=tenant)
    make.event(tenant)
    few = queries(root, LIST), queries(root, page_of(event))
    for _ in range(20):
        make.event(tenant)
    assert (queries(root, LIST), queries(root, page_of(event))) == few
    assert max(few) <= 12


def test_an_event_shows_what_became_of_it(root, make):
    make.route(make.connection(tenant := make.tenant()), name="To the endpoint")
    html = root.get(page_of(make.event(tenant))).content.decode()
    assert "To the endpoint" in html
    assert "It is waiting to be sent." in html


def test_an_event_without_a_route_says_so_and_offers_one(root, make):
    html = root.get(page_of(make.event())).content.decode()
    assert "No route matched order.created." in html
    assert "/admin/outgoing/route/add/?tenant=" in html


def test_every_text_of_an_event_is_escaped(root, make):
    event = make.event(make.tenant(name=MARKER), data={"said": MARKER}, id=MARKER)
    for url in (LIST, page_of(event), page_of(event, "live"), f"{SEND}?like={event.pk}"):
        assert MARKER not in root.get(url).content.decode()


def test_an_event_is_found_by_its_own_id_and_the_senders(root, make):
    event = make.event(id="order-7")
    make.event()
    for term in (event.public_id, "order-7"):
        assert [row.pk for row in root.get(LIST, {"q": str(term)}).context["cl"].result_list] == [
            event.pk
        ]


def test_a_body_that_is_no_longer_kept_is_said(root, make):
    event = make.event()
    EventBody.objects.all().delete()
    assert "The body is no longer stored." in root.get(page_of(event)).content.decode()


def test_strangers_find_no_event(make, staff_of):
    event = make.event()
    stranger = staff_of(make.tenant())
    assert stranger.get(LIST).context["cl"].result_count == 0
    assert {stranger.get(page_of(event, name)).status_code for name in ("change", "live")} == {404}
    assert event.sender_id not in stranger.get(f"{SEND}?like={event.pk}").content.decode()


# --- a test event ---------------------------------------------------------------------------------


def build_event_form(tenant, **changes):
    return {
        "tenant": tenant.reference,
        "type": "order.created",
        "data": '{"number": "T-1"}',
        "id": "",
    } | changes


def test_a_test_event_is_published_and_its_page_opened(root, make):
    make.route(make.connection(tenant := make.tenant()))
    answer = root.post(SEND, build_event_form(tenant))
    event = Event.unscoped.get()
    assert (event.source, event.deliveries.count()) == ("staff", 1)
    assert answer["Location"] == page_of(event)
    assert AuditRow.objects.get(verb="event.send").tenant == tenant.public_id


def test_the_form_begins_with_an_order(root):
    assert json.loads(root.get(SEND).context["form"].initial["data"])["number"] == "A-1001"


def test_the_form_begins_with_an_event_that_is_named(root, make):
    event = make.event(type="order.paid", data={"number": "P-9"})
    first = root.get(f"{SEND}?like={event.pk}").context["form"].initial
    assert (first["type"], json.loads(first["data"])) == ("order.paid", {"number": "P-9"})


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("tenant", "nobody", "No tenant has this reference."),
        ("tenant", "a\0b", "Null characters are not allowed."),
        ("type", "Order Created", "Lower case words with dots"),
        ("type", "a" * 121, "at most 120 characters"),
        ("data", "{", "This is not JSON."),
        ("data", "[1]", "but not an object"),
        ("data", '{"a": "\\u0000"}', "A string contains a NUL character"),
        ("data", '{"a": "\\ud800"}', "unpaired surrogate"),
        ("data", '{"a": 1, "a": 2}', "occurs twice"),
        ("data", json.dumps({"a": "x" * 300_000}), "at most 256 KiB"),
        ("id", "x" * 201, "at most 200 characters"),
    ],
    ids=lambda value: str(value)[:20].replace("\0", "NUL"),
)
def test_an_error_is_shown_beside_its_field(root, make, field, value, words):
    answer = root.post(SEND, build_event_form(make.tenant()) | {field: value})
    assert words in str(answer.context["form"].errors[field])
    assert not Event.unscoped.exists()


def test_an_id_of_an_event_with_other_data_is_an_error(root, make):
    tenant = make.tenant()
    root.post(SEND, build_event_form(tenant, id="once"))
    answer = root.post(SEND, build_event_form(tenant, id="once", data='{"number": "T-2"}'))
    assert "already exists with other data" in str(answer.context["form"].errors["id"])


def test_strangers_cannot_send_for_a_tenant(make, staff_of):
    tenant = make.tenant()
    answer = staff_of(make.tenant()).post(SEND, build_event_form(tenant))
    assert "No tenant has this reference." in str(answer.context["form"].errors["tenant"])
    assert not Event.unscoped.exists()


def test_who_may_only_look_cannot_send(make, client):
    user = make.staff(tenant := make.tenant())
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(user)
    assert (
        client.get(SEND).status_code
        == client.post(SEND, build_event_form(tenant)).status_code
        == 403
    )


def test_opening_the_form_tells_nothing(root, make):
    root.get(SEND, build_event_form(make.tenant()))
    assert not Event.unscoped.exists()
