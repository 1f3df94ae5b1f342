"""Customers say which record of theirs is meant by one of ours, such as the channel that orders go
to.
"""

import time
from urllib.parse import quote

import pytest

from hub.audit import AuditRow
from hub.db.clock import clock
from hub.identities.models import DirectoryEntry
from hub.mappings.models import Identity
from hub.outgoing.models import Delivery
from hub.outgoing.release import release_held_deliveries
from hub.queue import WakeUp
from hub.schemas.models import ChoiceList
from hub.schemas.tasks import read_choice_list
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.pump.test_loop import pump
from tests.hub.portal.query_counts import count_queries, load_counting_queries
from tests.markup import normalize_markup

pytestmark = pytest.mark.django_db

TO_ORDERS = {"channel": "identity('channel', 'orders')", "text": "data.number"}
QUESTION = "Which channel in Slack matches “orders”?"


def url_of(connection, rest="identities/"):
    return f"/t/acme/connections/{connection.public_id}/{rest}"


def choice_url(connection, kind="channel", local_id="orders", verb="say"):
    return url_of(
        connection, f"identities/{verb}/?kind={quote(kind)}&local_id={quote(local_id, safe='')}"
    )


def text_of(browser, url):
    return normalize_markup(browser.get(url).content.decode())


def list_identities():
    return [
        (row.kind, row.local_id, row.remote_id, row.name)
        for row in Identity.unscoped.order_by("pk")
    ]


@pytest.fixture
def slack(make, acme, outside):
    """A connected workspace of the sandbox, with a route for all tenants that asks for a
    channel.
    """
    make.route(connector="slack", mapping=make.mapping(None, "slack", "post_message", TO_ORDERS))
    secret = {"access_token": "xoxb-acme-1"}
    return make.connection(acme, "slack", secret=secret, account="T0000ACME")


@pytest.fixture
def listed(slack):
    """The workspace with its channels, as they were read a moment ago."""
    ChoiceList.unscoped.create(
        connection=slack, kind="channel", items=[["C0000GEN1", "#general"]], read_at=clock()
    )
    return slack


# --- what is missing ---


def test_the_page_of_the_connection_asks_what_a_route_needs(admin, slack):
    text = text_of(admin, url_of(slack, ""))
    assert QUESTION in text and "identities/say/?kind=channel&amp;local_id=orders" in text
    assert QUESTION in text_of(admin, url_of(slack, "connected/"))


def test_nothing_is_asked_once_it_is_said(admin, make, slack):
    make.identity(slack, "channel", "orders", "C1")
    assert QUESTION not in text_of(admin, url_of(slack, ""))


def test_what_depends_on_an_event_is_asked_when_it_holds_something(admin, make, acme):
    connection = make.connection(acme)
    make.delivery(connection, body={"owner": "identity('user', data.email)"})
    assert "must still be said" not in text_of(admin, url_of(connection))
    pump(FakeHttp())
    text = text_of(admin, url_of(connection))
    assert (
        "Which user in Webhook matches “ann@acme.test”?" in text and "1 delivery is held." in text
    )


def test_the_page_of_what_is_held_leads_there(admin, make, acme):
    delivery = make.delivery(make.connection(acme), body={"owner": "identity('user', data.email)"})
    pump(FakeHttp())
    text = text_of(admin, f"/t/acme/deliveries/{delivery.public_id}/")
    assert choice_url(delivery.connection, "user", "ann@acme.test").partition("?")[0] in text
    assert "kind=user&amp;local_id=ann%40acme.test" in text


def test_a_member_reads_whom_to_ask(member, slack):
    text = text_of(member, url_of(slack))
    assert QUESTION in text and "An owner or admin of your organisation can select it." in text
    assert ">Select<" not in text and "Select another one" not in text
    for verb in ("say", "remove"):
        assert member.post(choice_url(slack, verb=verb), {"remote_id": "C1"}).status_code == 403


# --- said ---


@pytest.mark.corrections(item="3.8")
def test_the_list_of_the_other_system_is_read_when_a_person_asks_for_it(admin, slack, outside):
    text = text_of(admin, choice_url(slack))
    assert "The list is being read in the background." in text and outside.ledger() == []
    assert WakeUp.objects.filter(name=f"choices:{slack.pk}:channel").exists()
    page = admin.post(choice_url(slack), {"read_again": "1"}).content.decode()
    assert "#general" in page and list_identities() == []


def test_a_list_that_was_just_read_in_the_background_is_read_again_in_seconds(
    admin, slack, outside, monkeypatch
):
    waits = []
    monkeypatch.setattr(time, "sleep", waits.append)
    text_of(admin, choice_url(slack))
    read_choice_list(f"choices:{slack.pk}:channel")
    text = normalize_markup(admin.post(choice_url(slack), {"read_again": "1"}).content.decode())
    assert "Matching record" in text and "cannot be read" not in text
    assert len(outside.ledger()) == 2 and 2 < sum(waits) < 4  # a call in three seconds


def test_one_is_chosen_among_those_that_the_other_system_lists(admin, listed):
    slack = listed
    text = text_of(admin, choice_url(slack))
    assert '<option value="C0000GEN1 #general">#general</option>' in text
    page = admin.post(
        choice_url(slack), {"selection": "C0000GEN1 #general", "remote_id": ""}, follow=True
    )
    assert "Saved." in page.content.decode() and "#general" in page.content.decode()
    assert list_identities() == [("channel", "orders", "C0000GEN1", "#general")]


def test_what_is_filled_in_counts_more_than_what_is_chosen(admin, slack):
    admin.post(choice_url(slack), {"selection": "C0000GEN1 #general", "remote_id": "G0123456789"})
    assert list_identities() == [("channel", "orders", "G0123456789", "")]


WRONG = {
    "nothing": ("", "Choose a record or enter an ID."),
    "a name": ("#orders", "not its name"),
}


@pytest.mark.parametrize(("remote_id", "why"), WRONG.values(), ids=WRONG)
def test_an_ambiguous_input_is_requested_again(admin, listed, remote_id, why):
    text = admin.post(choice_url(listed), {"remote_id": remote_id}).content.decode()
    assert why in text and "#general" in text and list_identities() == []


def test_an_id_of_theirs_that_no_list_can_show_is_asked_again(admin, slack):
    page = admin.post(choice_url(slack, "user", "u1"), {"remote_id": "U\n1"}).content.decode()
    assert (
        "remote_id contains a character that cannot be shown." in page and list_identities() == []
    )


@pytest.mark.parametrize("name", ["kind", "local_id"])
def test_a_record_of_ours_that_no_list_can_show_is_asked_again(admin, slack, name):
    data = {"kind": "user", "local_id": "u1"} | {name: "a\nb"}
    page = admin.post(choice_url(slack, **data), {"remote_id": "U1"}, follow=True).content.decode()
    assert "Enter your record first" in page and list_identities() == []


def test_where_nothing_can_be_listed_an_id_is_filled_in(admin, make, slack, outside):
    outside.fault(
        "slack",
        path="conversations.list",
        body={"ok": False, "error": "missing_scope", "needed": "channels:read"},
    )
    text = normalize_markup(admin.post(choice_url(slack), {"read_again": "1"}).content.decode())
    assert "The list cannot be read right now: needed: channels:read." in text
    assert "Matching record" not in text and 'name="remote_id"' in text


def test_a_kind_without_a_list_causes_no_call(admin, make, acme, outside):
    connection = make.connection(acme)
    assert 'name="remote_id"' in text_of(admin, choice_url(connection, "user", "7"))
    assert outside.ledger() == []


def test_what_was_said_is_offered_and_replaced(admin, make, listed):
    slack = listed
    make.identity(slack, "channel", "orders", "C0000GEN1", name="#general")
    text = text_of(admin, choice_url(slack))
    assert (
        '<option value="C0000GEN1 #general" selected>' in text
        and "Currently selected: C0000GEN1. (#general)" in text
    )
    admin.post(choice_url(slack), {"remote_id": "C0123456789"})
    assert list_identities() == [("channel", "orders", "C0123456789", "")]
    row = AuditRow.objects.get()
    assert (row.verb, row.before["remote_id"], row.after["remote_id"]) == (
        "connection.identify",
        "C0000GEN1",
        "C0123456789",
    )


def test_what_waited_for_it_goes_out(admin, make, acme):
    delivery = make.delivery(make.connection(acme), body={"owner": "identity('user', data.email)"})
    pump(FakeHttp())
    admin.post(choice_url(delivery.connection, "user", "ann@acme.test"), {"remote_id": "005A"})
    assert release_held_deliveries(now=NOON + MINUTE) == 1
    assert Delivery.unscoped.get().state == "waiting"


def test_ours_is_named_first(admin, slack):
    page = admin.get(url_of(slack, "identities/say/"), follow=True)
    assert "Enter your record first" in page.content.decode()


# --- listed, and taken back ---


def test_it_is_taken_back_after_what_follows_was_read(admin, make, slack):
    make.identity(slack, "channel", "orders", "C1")
    url = choice_url(slack, verb="remove")
    assert (
        "Deliveries that need this record are held" in text_of(admin, url)
        and len(list_identities()) == 1
    )
    assert "Removed." in admin.post(url, follow=True).content.decode() and list_identities() == []
    assert "removed a matching record" in text_of(admin, url_of(slack, ""))
    assert admin.post(url).status_code == 404


def test_of_another_connection_nothing_is_listed_or_taken_back(admin, make, acme, slack):
    make.identity(make.connection(acme), "channel", "orders", "C-of-another")
    assert "C-of-another" not in text_of(admin, url_of(slack))
    assert admin.post(choice_url(slack, verb="remove")).status_code == 404


def test_many_are_read_page_by_page_and_found_by_how_they_begin(admin, make, slack):
    for number in range(120):
        make.identity(slack, "user", f"u{number:03}", f"T{number:03}")
    first = admin.get(url_of(slack))
    second = admin.get(url_of(slack) + first.context["older"])
    assert [row.local_id for row in second.context["identities"]] == [
        f"u{number:03}" for number in range(50, 100)
    ]
    third = admin.get(url_of(slack) + second.context["older"])
    assert len(third.context["identities"]) == 20 and third.context["older"] == ""
    found = admin.get(url_of(slack) + "?q=T11")
    assert len(found.context["identities"]) == 10


def test_a_person_whose_user_is_not_known_is_listed_and_an_identity_is_begun_there(
    admin, make, slack, outside
):
    make.inbound_item(slack, author="U0ANN")
    assert "U0ANN" in text_of(admin, url_of(slack))
    page = choice_url(slack, "user", "u-17") + "&remote_id=U0ANN"
    assert 'value="U0ANN"' in text_of(admin, page)
    admin.post(choice_url(slack, "user", "u-17"), {"remote_id": "U0ANN"})
    assert list_identities() == [("user", "u-17", "U0ANN", "")]
    assert "People whose user is not known" not in text_of(admin, url_of(slack))


def test_a_person_whose_user_is_not_known_has_a_name_if_the_directory_has_one(admin, make, slack):
    DirectoryEntry.unscoped.create(connection=slack, remote_id="U0ANN", name="Ann Archer")
    make.inbound_item(slack, author="U0ANN")
    assert "Ann Archer" in text_of(admin, url_of(slack))


@pytest.mark.parametrize("count", [0, 1, 60])
def test_many_cost_no_more_queries(admin, make, slack, count):
    for number in range(count):
        make.identity(slack, "user", str(number), str(number))
        make.event(slack.tenant)
    Delivery.unscoped.update(state="delivered")
    assert count_queries(admin, url_of(slack)) == 10
    assert load_counting_queries(lambda: admin.get(url_of(slack, "")))[1] == (27 if count else 23)
