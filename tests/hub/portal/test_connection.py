"""The page of one connection: how it stands, what it did, and what a person does about it."""

from datetime import timedelta

import pytest

from connectors.wire import Response
from hub.audit import AuditRow
from hub.clock import clock
from hub.connections.models import Connection, Switch
from hub.connections.switch import switch_off
from hub.mappings.models import Identity
from hub.operations.models import Operation
from hub.operations.run import run
from hub.outgoing.models import Delivery, Exchange, Rendering
from tests.fakes import FakeHttp
from tests.hub.outgoing.test_pump import pump
from tests.hub.portal.counting import queries
from tests.makers import MINUTE, NOON

pytestmark = pytest.mark.django_db


def url_of(connection, rest=""):
    return f"/t/acme/connections/{connection.public_id}/{rest}"


def text_of(browser, connection, rest=""):
    return browser.get(url_of(connection, rest)).content.decode()


def state_of(connection):
    return Connection.unscoped.get(pk=connection.pk).state


@pytest.fixture
def connection(make, acme):
    return make.connection(acme, name="Ours")


def disconnected(connection):
    connection.disable("disconnected", now=NOON)


STANDS = {
    "healthy": (lambda row: None, "healthy", "It works.", "Test now"),
    "needs reconnect": (
        lambda row: row.need_reconnect("unauthorized", "token_revoked", now=NOON),
        "needs reconnect",
        "token_revoked",
        "Reconnect",
    ),
    "paused": (lambda row: row.pause("they move", until=None, now=NOON), "paused", "they move", "Resume"),
    "disabled": (
        lambda row: row.disable("failing", now=NOON),
        "disabled",
        "Every attempt has failed for days.",
        "Switch it on again",
    ),
    "disconnected": (disconnected, "disconnected", "A person disconnected it.", "Connect it again"),
}


@pytest.mark.parametrize("name", STANDS)
def test_it_says_one_word_a_sentence_and_one_thing_to_do(name, admin, connection):
    change, word, sentence, button = STANDS[name]
    change(connection)
    text = text_of(admin, connection)
    assert f"<span>{word}</span></h2>" in text and sentence in text
    assert text.count('class="button primary"') == 1 and button in text


def test_what_stops_it_from_above_is_told(admin, connection):
    switch_off(Switch(scope="connector", connector="webhook", reason="they fail"), by=None, now=NOON)
    assert "It is switched off." in text_of(admin, connection)


def test_a_member_reads_and_changes_nothing(member, connection):
    connection.need_reconnect("unauthorized", now=NOON)
    text = text_of(member, connection)
    assert "An owner or an admin of your organisation can mend it." in text and "Disconnect" not in text
    for verb in ("test", "resume", "pause/", "rename/", "reconnect/", "disconnect/"):
        assert member.post(url_of(connection, verb)).status_code == 403


def test_it_is_paused_with_a_reason_and_an_end_and_resumed(admin, connection):
    admin.post(url_of(connection, "pause/"), {"length": "4", "reason": "they move servers"})
    row = Connection.unscoped.get(pk=connection.pk)
    assert (row.state, row.says) == ("paused", "they move servers")
    assert timedelta(hours=3) < row.paused_until - clock() <= timedelta(hours=4)
    admin.post(url_of(connection, "resume"))
    assert state_of(connection) == "healthy"
    assert "they move servers" in text_of(admin, connection)
    assert list(AuditRow.objects.values_list("verb", flat=True)) == ["connection.pause", "connection.resume"]


def test_a_pause_without_a_reason_is_asked_again(admin, connection):
    assert "This field is required." in admin.post(url_of(connection, "pause/"), {"length": "4"}).content.decode()
    assert state_of(connection) == "healthy"


def test_who_comes_second_is_told_so(admin, connection):
    page = admin.post(url_of(connection, "resume"), follow=True)
    assert "Somebody was first" in page.content.decode()


def test_a_test_follows_what_it_finds(admin, make, acme, outside):
    connection = make.connection(acme, settings={"url": f"{outside.url}/webhook/acme"})
    connection.move("degraded", reason="timed_out", since=NOON)
    assert "The test passed" in admin.post(url_of(connection, "test"), follow=True).content.decode()
    assert state_of(connection) == "healthy"


def test_a_test_that_fails_says_why(admin, make, acme):
    connection = make.connection(acme, settings={"url": "https://127.0.0.1/hook"})
    assert "The test did not pass" in admin.post(url_of(connection, "test"), follow=True).content.decode()
    assert AuditRow.objects.get().after["lives"] is False


def test_it_has_another_name(admin, connection):
    admin.post(url_of(connection, "rename/"), {"name": "Theirs"})
    assert "<h1>Theirs</h1>" in text_of(admin, connection)
    assert "gave it another name" in text_of(admin, connection)


# --- what it did, and what waits ---


def test_the_last_day_is_a_picture_and_a_table(admin, make, connection):
    now = clock()
    for state in ("delivered", "delivered", "held", "dead"):
        row = make.delivery(connection, now=now)
        Delivery.unscoped.filter(pk=row.pk).update(state=state, moved_at=now - timedelta(hours=2))
    text = text_of(admin, connection)
    assert "2 delivered" in text and "1 held" in text and "1 given up" in text
    assert "The last one arrived" in text and "2 hours ago</time>" in text
    assert '<rect class="good"' in text and '<td class="figure">2</td>' in text


def test_what_waits_is_counted_with_how_long_it_takes(admin, make, connection):
    for _ in range(3):
        make.delivery(connection)
    connection.need_reconnect("unauthorized", now=NOON)
    text = text_of(admin, connection)
    assert '<p class="word">3</p>' in text and "It goes as soon as this is mended" in text


def test_another_tenants_deliveries_are_not_counted(admin, make, connection):
    make.delivery(make.connection(make.tenant("globex")), now=clock())
    assert "Nothing waits." in text_of(admin, connection)


@pytest.mark.parametrize("count", [0, 1, 60])
def test_much_to_tell_costs_no_more_queries(admin, make, connection, count):
    make.route(connection)
    for number in range(count):
        make.delivery(connection, now=clock())
        Connection.unscoped.get(pk=connection.pk)
        admin.post(url_of(connection, "rename/"), {"name": f"Name {number}"})
    Delivery.unscoped.update(state="delivered")
    _, asked = queries(lambda: admin.get(url_of(connection)))
    assert asked == (21 if count else 19)


def test_the_life_line_is_a_picture_and_a_table(admin, make, acme):
    connection = make.connection(acme, "slack")
    connection.credential_events.create(kind="issued", version=1, at=NOON)
    text = text_of(admin, connection)
    assert "The life of the authorization" in text and '<svg class="life"' in text
    assert "2026-11-25 13:00 CET" in text


# --- connected again ---


def test_by_form_the_secret_stays_where_nothing_is_filled_in(admin, make, acme, outside):
    connection = make.connection(acme, settings={"url": f"{outside.url}/webhook/acme"})
    before = connection.credential.open(connection)
    said = {"url": f"{outside.url}/webhook/acme", "signing_secret": "", "headers": ""}
    assert admin.post(url_of(connection, "reconnect/"), said).status_code == 302
    after = Connection.unscoped.select_related("credential").get(pk=connection.pk)
    assert after.credential.open(after) == before and after.credential.version == 2


def test_a_stored_secret_does_not_go_to_an_address_that_was_just_changed(admin, make, acme, outside):
    connection = make.connection(acme, "splunk")
    page = admin.post(url_of(connection, "reconnect/"), {"url": f"{outside.url}/splunk/mine", "token": ""})
    assert "The address has changed, so fill this in again." in page.content.decode()
    assert outside.ledger() == []


def test_by_oauth_it_leads_to_the_other_system_with_this_connection(admin, make, acme):
    connection = make.connection(acme, "slack")
    text = text_of(admin, connection, "reconnect/")
    assert f'name="connection" value="{connection.public_id}"' in text
    assert 'action="/t/acme/connect/slack/authorize"' in text


# --- ended ---


def test_before_it_is_disconnected_the_consequences_are_told(admin, make, connection):
    make.delivery(connection, name="Orders to us")
    text = text_of(admin, connection, "disconnect/")
    assert "One route sends over it." in text and "Orders to us" in text
    assert "One delivery waits for it now." in text


def test_it_is_disconnected_and_what_waits_stays(admin, make, connection):
    delivery = make.delivery(connection)
    admin.post(url_of(connection, "disconnect/"), {"waiting": "keep", "reason": "not needed", "sure": "on"})
    row = Connection.unscoped.select_related("credential").get(pk=connection.pk)
    assert row.disconnected and row.credential.open(row) == {}
    delivery.refresh_from_db()
    assert delivery.state == "waiting"


def test_it_is_disconnected_and_what_waits_is_cancelled(admin, make, connection):
    make.delivery(connection)
    said = {"waiting": "cancel", "reason": "", "sure": "on"}
    page = admin.post(url_of(connection, "disconnect/"), said, follow=True)
    assert "1 waiting delivery is cancelled." in page.content.decode()
    operation = Operation.unscoped.get()
    assert operation.kind == "cancel"
    assert admin.get(f"/t/acme/operations/{operation.public_id}/").status_code == 200


def test_nobody_disconnects_by_accident(admin, connection):
    admin.post(url_of(connection, "disconnect/"), {"waiting": "keep"})
    assert state_of(connection) == "healthy"


def test_nothing_secret_stands_on_its_pages(admin, make, acme):
    connection = make.connection(acme, "splunk", secret={"token": "very-secret-token"})
    for rest in ("", "reconnect/", "connected/", "disconnect/", "pause/"):
        assert "very-secret" not in text_of(admin, connection, rest)


def test_how_fast_it_goes_is_measured(admin, make, connection):
    now = clock()
    for _ in range(10):
        make.delivery(connection, now=now)
    Delivery.unscoped.update(state="delivered", moved_at=now - MINUTE)
    make.delivery(connection, now=now)
    assert "Sending now, 2 a minute." in text_of(admin, connection)


# --- what is set, what is shared, what becomes of events ---


def test_settings_are_facts_and_secrets_are_only_named(admin, make, acme):
    connection = make.connection(acme, "splunk", secret={"token": "very-secret-token"})
    text = text_of(admin, connection)
    assert "https://splunk.example.com:8088" in text and "stored, and never shown" in text
    assert "very-secret" not in text and "What is shared" in text and "Goes there" in text


def test_a_connection_without_a_credential_has_a_page(admin, connection):
    Connection.unscoped.get(pk=connection.pk).credential.delete()
    assert "not filled in" not in text_of(admin, connection)


def test_a_mapping_is_told_in_words_with_a_sample(admin, make, acme):
    slack = make.connection(acme, "slack")
    make.identity(slack, "channel", "orders", "C1")
    body = {
        "channel": "identity('channel', 'orders')",
        "text": "join(' ', ['Order', data.number])",
        "thread_ts": "data.x",
    }
    make.route(slack, body=body, filter="data.total > `1`", name="Orders to a channel")
    make.event(acme)
    text = text_of(admin, slack)
    assert "Post a message to a channel" in text and "<code>data.total &gt; `1`</code>" in text
    assert "the channel that is said for “orders”" in text and "the event&#x27;s x" in text
    assert "<code>join(&#x27; &#x27;, [&#x27;Order&#x27;, data.number])</code>" in text
    assert "This would be sent of it:" in text and "&quot;Order A-1001&quot;" in text and "&quot;C1&quot;" in text


def test_a_sample_that_would_not_go_says_why(admin, make, acme):
    slack = make.connection(acme, "slack")
    make.route(slack, body={"channel": "identity('channel', data.number)", "text": "'Hi'"})
    make.route(slack, filter="data.total > `100`", name="Large ones")
    make.event(acme)
    text = text_of(admin, slack)
    assert "It would be held: channel A-1001" in text and "The filter refuses it, so nothing would be sent." in text


def test_a_sample_shows_no_secret_and_no_markup(admin, make, connection):
    make.delivery(connection, data={"number": "<script>alert(1)</script>", "note": "Bearer abcdefghijklmnop123456"})
    text = text_of(admin, connection)
    assert "<script>alert" not in text


def test_what_comes_next_is_told(admin, make, acme):
    slack = make.connection(acme, "slack", check_at=clock() + timedelta(hours=3))
    slack.lane.due_at = clock() + timedelta(minutes=5)
    slack.lane.save()
    text = text_of(admin, slack)
    assert "the next try goes" in text and "Tested next" in text and "in 2 hours" in text
    slack.pause("holiday", until=None, now=NOON)
    assert "nothing goes until this is mended" in text_of(admin, slack)


@pytest.mark.parametrize("count", [0, 1, 60])
def test_many_routes_cost_no_more_queries(admin, make, acme, connection, count):
    mapping = make.mapping(acme)
    for number in range(count):
        make.route(connection, mapping=mapping, name=f"Route {number}")
    make.event(acme)
    Delivery.unscoped.update(state="delivered")
    page, asked = queries(lambda: admin.get(url_of(connection)))
    assert asked == (21 if count else 17)
    assert ("There are more routes" in page.content.decode()) is (count == 60)


# --- our support ---


def test_a_visit_of_our_support_is_told_once_an_hour(admin, client, make, connection):
    client.force_login(make.staff(is_superuser=True, email="help@hub.test"))
    for _ in range(2):
        page = client.get(f"/admin/connections/connection/{connection.pk}/change/", follow=True)
    assert page.status_code == 200
    text = text_of(admin, connection)
    assert text.count("looked at it, as our support") == 1 and "help@hub.test" in text


# --- what becomes of what was sent ---


def arrived(make, connection):
    delivery = make.delivery(connection)
    pump(FakeHttp(Response(200, b"thanks, Ann")))
    delivery.refresh_from_db()
    assert (delivery.state, Exchange.objects.count(), Rendering.objects.count()) == ("delivered", 1, 1)
    return delivery


def erased(connection):
    operation = Operation.unscoped.get(kind="erase")
    run(operation.pk, clock=clock, rest=lambda: None, stopping=lambda: False)
    operation.refresh_from_db()
    return operation


def test_contents_are_kept_where_nobody_says_else(admin, make, connection):
    arrived(make, connection)
    admin.post(url_of(connection, "disconnect/"), {"waiting": "keep", "sure": "on"})
    assert not Operation.unscoped.exists() and Rendering.objects.exists()


def test_contents_are_erased_and_that_it_was_sent_stays_known(admin, make, connection):
    delivery = arrived(make, connection)
    make.identity(connection, "user", "7", "U7")
    waits = make.delivery(connection, data={"number": "waits"})
    admin.post(url_of(connection, "disconnect/"), {"waiting": "keep", "data": "erase", "sure": "on"})
    operation = erased(connection)
    assert (operation.state, operation.done, operation.left_out) == ("finished", 1, 1)
    assert not Exchange.objects.exists() and not Rendering.objects.exists() and not Identity.unscoped.exists()
    delivery.refresh_from_db()
    waits.refresh_from_db()
    assert (delivery.state, waits.state, delivery.tries.count()) == ("delivered", "waiting", 1)
    assert admin.get(f"/t/acme/operations/{operation.public_id}/").status_code == 200


def test_what_waits_is_cancelled_and_erased_with_it(admin, make, connection):
    waits = make.delivery(connection)
    admin.post(url_of(connection, "disconnect/"), {"waiting": "cancel", "data": "erase", "sure": "on"})
    erased(connection)
    waits.refresh_from_db()
    assert waits.state == "cancelled"


def test_another_connections_contents_stay(admin, make, acme, connection):
    theirs = make.connection(acme, settings={"url": "https://theirs.example.com/"})
    arrived(make, theirs)
    make.delivery(connection)
    admin.post(url_of(connection, "disconnect/"), {"waiting": "cancel", "data": "erase", "sure": "on"})
    erased(connection)
    assert Rendering.objects.exists() and Exchange.objects.exists()
