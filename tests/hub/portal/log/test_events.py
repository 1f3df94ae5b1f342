"""The log: narrowed by the address, paged by rows, told in lines, exported."""

import uuid
from zoneinfo import ZoneInfo

import pytest

from hub.connections.models import Connection
from hub.outgoing.models import Delivery, Event
from hub.portal.log.pages import Cursor, Limits, build_page, count_new_rows
from hub.portal.log.query import parse_log_query
from hub.portal.views.log import event_pages
from tests.factories import NOON
from tests.hub.outgoing.operating import copy_delivery, put
from tests.hub.portal.query_counts import count_queries

pytestmark = pytest.mark.django_db
LOG = "/t/acme/events/"
MARKER = "<img src=x onerror=alert(1)>"


def list_rows(answer):
    """The types and things on a page, in order."""
    assert answer.status_code == 200
    return [(line.type, line.sender_label, line.state) for line in answer.context["lines"]]


def test_an_empty_log_says_what_comes_next(admin):
    assert "No events yet" in admin.get(LOG).content.decode()


def test_an_event_of_a_system_whose_connector_is_gone_is_shown(make, admin, acme):
    origin = make.connection(acme, "pipedrive", secret={}, name="Our Pipedrive")
    event = make.event(acme)
    Event.unscoped.filter(pk=event.pk).update(origin=origin)
    Connection.unscoped.filter(pk=origin.pk).update(connector_key="uninstalled")
    answer = admin.get(f"{LOG}{event.public_id}/")
    assert f"/t/acme/connections/{origin.public_id}/" in answer.content.decode()


def test_rows_tell_state_type_thing_target_tries_and_cause(admin, delivery_row):
    put([delivery_row], "failed", "exhausted", attempt_count=9)
    html = admin.get(LOG).content.decode()
    for text in (
        "order.created",
        "o-1",
        "failed",
        "Own endpoint",
        "All attempts of the retry schedule failed.",
    ):
        assert text in html


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=waiting", True),
        ("state=failed", False),
        ("type=order.created", True),
        ("type=order.*", True),
        ("type=lead.won", False),
        ("reason=paused", False),
        ("span=1h", True),
        ("since=2999-01-01T00:00", False),
        ("until=2999-01-01T00:00", True),
        ("until=2001-01-01T00:00", False),
        ("q=o-1", True),
        ("q=o-2", False),
        ("value=a-1001", True),
        ("value=zoë", True),
        ("value=A-2", False),
        ("state=no_route", False),
        ("type=order.created&value=A-1001&state=waiting", True),
        ("where=data.number=='A-1001'", True),
        ("where=data.number=='A-2'", False),
        ("where=data.customer.name=='Zoë' %26%26 id=='o-1'&value=zoë", True),
        ("where=length(data.number)", True),
        ("where=length(data.total)", False),
        ("where=((", True),
    ],
)
def test_the_address_narrows(admin, delivery_row, query, found):
    assert bool(list_rows(admin.get(f"{LOG}?{query}"))) is found


def test_any_id_or_the_beginning_of_one_leads_to_its_row(admin, make, acme, delivery_row):
    make.event(acme)
    Delivery.unscoped.exclude(pk=delivery_row.pk).update(
        public_id=uuid.uuid4(), message_uuid=uuid.uuid4()
    )
    for id in (
        delivery_row.public_id,
        delivery_row.message_id,
        delivery_row.event.public_id,
        "o-1",
    ):
        assert [thing for _, thing, _ in list_rows(admin.get(LOG, {"q": str(id)}))] == ["o-1"]
    assert list_rows(admin.get(LOG, {"q": str(delivery_row.public_id)[:13]}))


def test_a_connection_is_chosen_by_its_id(admin, make, acme, delivery_row):
    other = make.connection(acme)
    assert list_rows(admin.get(LOG, {"connection": delivery_row.connection.public_id}))
    assert not list_rows(admin.get(LOG, {"connection": other.public_id}))


def test_what_waits_behind_a_pause_is_found_as_held(admin, delivery_row):
    delivery_row.connection.pause("weekend", until=None, now=delivery_row.accepted_at)
    assert list_rows(admin.get(f"{LOG}?state=held&reason=paused")) == [
        ("order.created", "o-1", "held")
    ]


def test_events_that_no_route_took_stand_in_a_view_of_their_own(admin, make, acme):
    make.event(acme, "lead.won", id="l-1")
    assert list_rows(admin.get(f"{LOG}?state=no_route&type=lead.*&q=l-1&value=A-1001")) == [
        ("lead.won", "l-1", "skipped")
    ]


@pytest.mark.parametrize(
    "query",
    [
        "state=lost",
        "connection=x",
        "since=yesterday",
        "span=9y",
        "type=%00",
        "after=x",
        "since=1969-12-31T23:00",
        "until=0001-01-01T00:00",
        "since=9999-12-31T23:59",
    ],
)
def test_an_unreadable_filter_is_named_and_breaks_nothing(admin, delivery_row, query):
    assert admin.get(f"{LOG}?{query}").status_code == 200


def test_moments_are_of_the_zone_in_which_the_person_reads(admin, acme, delivery_row):
    acme.time_zone = "Asia/Tokyo"
    acme.save()
    asked = admin.get(f"{LOG}?since=2026-11-25T12:00").context["form"].cleaned_data["since"]
    assert asked.isoformat() == "2026-11-25T12:00:00+09:00"


def walk_pages(client, url):
    """All rows by the links to older pages, and back by those to newer ones."""
    forth, answer = [], client.get(url)
    while True:
        forth.append([line.id for line in answer.context["lines"]])
        if not answer.context["older"]:
            break
        answer = client.get(LOG + answer.context["older"])
    back = [[line.id for line in answer.context["lines"]]]
    while answer.context["newer"]:
        answer = client.get(LOG + answer.context["newer"])
        back.insert(0, [line.id for line in answer.context["lines"]])
    return forth, back


@pytest.mark.parametrize("query", ["", "?type=order.created", "?state=waiting&type=order.*"])
def test_pages_show_every_row_once_and_keep_the_filter(admin, delivery_rows, query):
    forth, back = walk_pages(admin, LOG + query)
    assert sum(forth, []) == [row.public_id for row in reversed(delivery_rows)] and [
        len(page) for page in forth
    ] == [50, 10]
    assert sum(back, []) == sum(forth, [])


def test_rows_that_come_meanwhile_move_no_page(admin, make, acme, delivery_rows):
    older = admin.get(LOG).context["older"]
    before = list_rows(admin.get(LOG + older))
    make.event(acme)
    assert list_rows(admin.get(LOG + older)) == before


def count_rows_by_page(acme, limits, **fields):
    """How many rows each page has, to the end."""
    log_query, cursor, sizes = (
        parse_log_query(fields, acme, ZoneInfo("UTC"), now=NOON),
        Cursor(),
        [],
    )
    while True:
        page = build_page(acme, log_query, cursor, limits)
        sizes.append(len(page.rows))
        if page.older is None:
            return sizes
        cursor = Cursor(after=page.older)


def test_what_no_index_answers_is_sought_among_a_bounded_number(acme, delivery_rows):
    Event.unscoped.filter(pk=delivery_rows[0].event_id).update(type="rare.one")
    assert count_rows_by_page(acme, Limits(rows_scanned=25), type="rare.one") == [0, 0, 1]


def test_a_value_is_sought_in_a_bounded_number_of_events(acme, delivery_rows):
    assert count_rows_by_page(acme, Limits(bodies=25), value="nowhere") == [0, 0, 0]
    assert count_rows_by_page(acme, Limits(rows=40, bodies=50), value="A-1001") == [40, 20]


def test_a_page_that_ended_early_says_so(admin, acme, delivery_rows):
    log_query = parse_log_query({"type": "rare.one"}, acme, ZoneInfo("UTC"), now=NOON)
    assert build_page(acme, log_query, Cursor(), Limits(rows_scanned=25)).is_incomplete
    assert not build_page(acme, log_query, Cursor(), Limits(rows_scanned=100)).is_incomplete


@pytest.mark.parametrize(
    ("query", "most"),
    [
        ("", 9),
        ("?state=held", 9),
        ("?type=order.created&span=24h", 9),
        ("?value=A-1001", 9),
        ("?q=o-1", 12),  # also in the index of values
    ],
)
def test_the_log_asks_a_fixed_number_of_questions(admin, make, acme, query, most):
    none = count_queries(admin, LOG + query)
    connection = make.connection(acme)
    first = make.delivery(connection)
    one = count_queries(admin, LOG + query)
    copy_delivery(first, 59, state="held")
    assert count_queries(admin, LOG + query) <= one + 1 and none <= one <= most


def test_chips_take_away_what_they_name(admin, delivery_row):
    chips = admin.get(
        f"{LOG}?state=failed&type=order.created&after={delivery_row.public_id}"
    ).context["chips"]
    assert [(chip.label, chip.query) for chip in chips] == [
        ("State: failed", "?type=order.created"),
        ("Event type: order.created", "?state=failed"),
    ]


def test_a_view_knows_that_it_is_the_one_that_is_shown(admin):
    views = admin.get(f"{LOG}?state=failed").context["views"]
    assert [view.label for view in views if view.is_current] == ["Failed"]


# --- new rows, by asking again ---


def test_new_rows_are_switched_off_by_the_url(admin, delivery_row):
    page = admin.get(f"{LOG}?state=waiting")
    assert page.context["live_query"] == "?state=waiting&live=off" and b"every 5s" in page.content
    page = admin.get(f"{LOG}?state=waiting&live=off")
    assert page.context["live_query"] == "?state=waiting" and b"every 5s" not in page.content


def test_new_rows_are_counted_once(admin, make, acme, delivery_row):
    url = admin.get(LOG).context["new_url"]
    first = admin.get(url)
    assert first.status_code == 200 and b"new" not in first.content
    assert admin.get(url, headers={"If-None-Match": first["ETag"]}).status_code == 304
    make.event(acme)
    assert b"1 new" in admin.get(url, headers={"If-None-Match": first["ETag"]}).content


def test_new_rows_without_an_index_are_sought_among_a_bounded_number(acme, delivery_rows):
    Event.unscoped.filter(pk=delivery_rows[0].event_id).update(type="rare.one")
    Event.unscoped.filter(pk=delivery_rows[50].event_id).update(type="rare.one")
    log_query = parse_log_query({"type": "rare.one"}, acme, ZoneInfo("UTC"), now=NOON)
    first = delivery_rows[0].public_id

    def count(after, rows_scanned):
        return count_new_rows(acme, log_query, after, Limits(rows_scanned=rows_scanned), 100)

    assert count(None, 25) == (1, False)  # the page has said that it ended early
    assert count(first, 5) == (0, True)
    assert count(first, 25) == (1, True)
    assert count(first, 100) == (1, False)


def test_a_poll_that_ended_early_says_among_how_many(admin, delivery_rows, monkeypatch):
    monkeypatch.setattr(event_pages, "ROWS_POLLED", 5)
    url = f"{LOG}new?type=rare.one&after={delivery_rows[0].public_id}"
    assert b"0 new among the newest 5" in admin.get(url).content
    monkeypatch.setattr(event_pages, "ROWS_POLLED", 1_000)
    assert b"new" not in admin.get(url).content.replace(b"events/new", b"")


# --- an event ---


def test_an_event_tells_what_it_says_and_what_became_of_it(admin, delivery_row):
    html = admin.get(f"{LOG}{delivery_row.event.public_id}/").content.decode()
    assert "A-1001" in html and str(delivery_row.public_id) in html


def test_an_event_that_no_route_took_says_so(admin, make, acme):
    event = make.event(acme, "lead.won")
    assert "No route matched lead.won." in admin.get(f"{LOG}{event.public_id}/").content.decode()


def test_every_text_is_escaped(admin, make, acme):
    connection = make.connection(acme, name=MARKER)
    make.route(connection)
    event = make.event(acme, id=MARKER, data={"number": MARKER})
    delivery = event.deliveries.get()
    put([delivery], "failed", detail=MARKER)
    for url in (LOG, f"{LOG}{event.public_id}/", f"/t/acme/deliveries/{delivery.public_id}/"):
        assert MARKER not in admin.get(url).content.decode()
