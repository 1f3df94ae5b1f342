"""The page of one connection: how it stands, what it did, and what a person does about it."""

from datetime import timedelta

import pytest

from hub.audit import ActorContext, AuditRow
from hub.connections.actions.kill_switches import switch_off
from hub.connections.models import Connection, KillSwitch
from hub.db.clock import clock
from hub.outgoing.models import Delivery
from tests.factories import MINUTE, NOON
from tests.hub.portal.pages import state_of, text_of, url_of
from tests.hub.portal.query_counts import load_counting_queries

pytestmark = pytest.mark.django_db


def disconnect(connection):
    connection.disable("disconnected", now=NOON)


STANDS = {
    "healthy": (lambda row: None, "healthy", "It works.", "Test now"),
    "needs reconnect": (
        lambda row: row.mark_needs_reconnect("unauthorized", "token_revoked", now=NOON),
        "needs reconnect",
        "token_revoked",
        "Reconnect",
    ),
    "paused": (
        lambda row: row.pause("they move", until=None, now=NOON),
        "paused",
        "they move",
        "Resume",
    ),
    "disabled": (
        lambda row: row.disable("failing", now=NOON),
        "disabled",
        "It was disabled because all attempts failed.",
        "Enable it again",
    ),
    "disconnected": (disconnect, "disconnected", "A person disconnected it.", "Reconnect"),
}


@pytest.mark.parametrize("name", STANDS)
def test_it_says_one_word_a_sentence_and_one_thing_to_do(name, admin, connection):
    change, word, sentence, button = STANDS[name]
    change(connection)
    text = text_of(admin, connection)
    assert f"<span>{word}</span></h2>" in text and sentence in text
    assert text.count('class="button primary"') == 1 and button in text


def test_an_own_endpoint_leads_to_its_other_page_and_back(admin, make, acme, connection):
    there, here = url_of(connection).replace("connections", "endpoints"), url_of(connection)
    assert f'href="{there}"' in text_of(admin, connection)
    assert f'href="{here}"' in admin.get(there).content.decode()
    assert (
        "/endpoints/"
        not in text_of(admin, make.connection(acme, connector="slack")).partition("<main")[2]
    )


def test_a_wider_cause_that_stops_it_is_shown(admin, connection):
    switch_off(
        KillSwitch(scope="connector", connector_key="webhook", reason="they fail"),
        ActorContext.system(),
        now=NOON,
    )
    text = text_of(admin, connection)
    assert (
        "<span>switched off</span></h2>" in text and "they fail" in text and "It works." not in text
    )


def test_a_member_reads_and_changes_nothing(member, connection):
    connection.mark_needs_reconnect("unauthorized", now=NOON)
    text = text_of(member, connection)
    assert (
        "An owner or an admin of your organisation can fix it." in text and "Disconnect" not in text
    )
    for verb in ("test", "resume", "pause", "rename", "reconnect/", "disconnect/"):
        assert member.post(url_of(connection, verb)).status_code == 403


def test_it_is_paused_with_a_reason_and_an_end_and_resumed(admin, connection):
    admin.post(url_of(connection, "pause"), {"length": "4", "reason": "they move servers"})
    row = Connection.unscoped.get(pk=connection.pk)
    assert (row.state, row.detail) == ("paused", "they move servers")
    assert timedelta(hours=3) < row.paused_until - clock() <= timedelta(hours=4)
    admin.post(url_of(connection, "resume"))
    assert state_of(connection) == "healthy"
    assert "they move servers" in text_of(admin, connection)
    assert list(AuditRow.objects.values_list("verb", flat=True)) == [
        "connection.pause",
        "connection.resume",
    ]


def test_a_pause_without_a_reason_is_asked_again(admin, connection):
    assert (
        "This field is required."
        in admin.post(url_of(connection, "pause"), {"length": "4"}).content.decode()
    )
    assert state_of(connection) == "healthy"


def test_a_second_concurrent_change_is_refused_with_a_reason(admin, connection):
    page = admin.post(url_of(connection, "resume"), follow=True)
    assert "The connection is healthy." in page.content.decode()


def test_a_test_follows_what_it_finds(admin, make, acme, outside):
    connection = make.connection(acme, settings={"url": f"{outside.url}/webhook/acme"})
    connection.transition_to("degraded", reason="timed_out", state_changed_at=NOON)
    assert "The test passed" in admin.post(url_of(connection, "test"), follow=True).content.decode()
    assert state_of(connection) == "healthy"


def test_a_test_that_fails_says_why(admin, make, acme):
    connection = make.connection(acme, settings={"url": "https://127.0.0.1/hook"})
    assert "The test failed" in admin.post(url_of(connection, "test"), follow=True).content.decode()
    assert AuditRow.objects.get().after["passed"] is False


def test_it_has_another_name(admin, connection):
    admin.post(url_of(connection, "rename"), {"name": "Theirs"})
    assert "<h1>Theirs</h1>" in text_of(admin, connection)
    assert "renamed it" in text_of(admin, connection)


# --- what it did, and what waits ---


def test_the_last_day_is_a_picture_and_a_table(admin, make, connection):
    now = clock()
    for state in ("delivered", "delivered", "held", "failed"):
        row = make.delivery(connection, now=now)
        Delivery.unscoped.filter(pk=row.pk).update(
            state=state, state_changed_at=now - timedelta(hours=2)
        )
    text = text_of(admin, connection)
    assert "2 delivered" in text and "1 held" in text and "1 failed" in text
    assert "an event received" in text and "2 hours ago</time>" in text
    assert '<rect class="good"' in text and '<td class="figure">2</td>' in text


def test_what_waits_is_counted_with_how_long_it_takes(admin, make, connection):
    for _ in range(3):
        make.delivery(connection)
    connection.mark_needs_reconnect("unauthorized", now=NOON)
    text = text_of(admin, connection)
    assert (
        '<p class="word">3</p>' in text and "Deliveries are sent once the problem is fixed." in text
    )


def test_what_waits_behind_a_stop_is_held_everywhere_on_the_page(admin, make, connection):
    for _ in range(3):
        make.delivery(connection, now=clock())
    connection.mark_needs_reconnect("unauthorized", now=clock())
    text = text_of(admin, connection)
    assert "3 held" in text and "Held deliveries" in text and "Waiting deliveries" not in text


def test_another_tenants_deliveries_are_not_counted(admin, make, connection):
    make.delivery(make.connection(make.tenant("globex")), now=clock())
    assert "No deliveries are waiting." in text_of(admin, connection)


@pytest.mark.parametrize("count", [0, 1, 60])
def test_much_to_tell_costs_no_more_queries(admin, make, connection, count):
    make.route(connection)
    for number in range(count):
        make.delivery(connection, now=clock())
        Connection.unscoped.get(pk=connection.pk)
        admin.post(url_of(connection, "rename"), {"name": f"Name {number}"})
    Delivery.unscoped.update(state="delivered")
    _, asked = load_counting_queries(lambda: admin.get(url_of(connection)))
    assert asked == (21 if count else 19)


def test_the_life_line_is_a_picture_and_a_table(admin, make, acme):
    connection = make.connection(acme, "slack")
    connection.credential_events.create(kind="issued", version=1, at=NOON)
    text = text_of(admin, connection)
    assert "Timeline of the authorization" in text and '<svg class="credential-timeline"' in text
    assert "2026-11-25 13:00 CET" in text


# --- connected again ---


def test_by_form_the_secret_stays_where_nothing_is_filled_in(admin, make, acme, outside):
    connection = make.connection(acme, settings={"url": f"{outside.url}/webhook/acme"})
    before = connection.credential.open(connection)
    data = {"url": f"{outside.url}/webhook/acme", "signing_secret": "", "headers": ""}
    assert admin.post(url_of(connection, "reconnect/"), data).status_code == 302
    after = Connection.unscoped.select_related("credential").get(pk=connection.pk)
    assert after.credential.open(after) == before and after.credential.version == 2


def test_a_stored_secret_does_not_go_to_an_address_that_was_just_changed(
    admin, make, acme, outside
):
    connection = make.connection(acme, "splunk")
    page = admin.post(
        url_of(connection, "reconnect/"), {"url": f"{outside.url}/splunk/mine", "token": ""}
    )
    assert "The address has changed. Enter this value again." in page.content.decode()
    assert outside.ledger() == []


def test_by_oauth_it_leads_to_the_other_system_with_this_connection(admin, make, acme):
    connection = make.connection(acme, "slack")
    text = text_of(admin, connection, "reconnect/")
    assert f'name="connection" value="{connection.public_id}"' in text
    assert 'action="/t/acme/connect/slack/authorize"' in text


def test_nothing_secret_stands_on_its_pages(admin, make, acme):
    connection = make.connection(acme, "splunk", secret={"token": "very-secret-token"})
    for rest in ("", "reconnect/", "connected/", "disconnect/", "pause"):
        assert "very-secret" not in text_of(admin, connection, rest)


def test_how_fast_it_goes_is_measured(admin, make, connection):
    now = clock()
    for _ in range(10):
        make.delivery(connection, now=now)
    Delivery.unscoped.update(state="delivered", state_changed_at=now - MINUTE)
    make.delivery(connection, now=now)
    assert "Sending 2 per minute." in text_of(admin, connection)


def test_a_permission_that_a_route_for_incoming_events_needs_is_named(admin, acme, make):
    required = ["chat:write", "chat:write.public", "channels:read"]
    row = make.connection(acme, "slack", permissions=required)
    assert "a permission is missing" not in text_of(admin, row)
    make.route(
        tenant=acme,
        connector="webhook",
        origin_connector_key="slack",
        event_type="slack.mention.created",
    )
    text = text_of(admin, row)
    notice = text.partition('id="not-granted"')[2].partition("</section>")[0]
    assert "a permission is missing" in notice and "<code>app_mentions:read</code>" in notice
    assert "im:history" not in notice and "<span>healthy</span>" in text
