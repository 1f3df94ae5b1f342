"""The first page: the connections of a tenant, or the next step."""

import pytest

from hub.mappings.translate import IdentityMissing
from tests.factories import NOON
from tests.hub.outgoing.operating import put
from tests.hub.portal.query_counts import load_counting_queries
from tests.markup import normalize_markup

pytestmark = pytest.mark.django_db


def test_an_empty_tenant_is_shown_the_next_step(owner):
    text = owner.get("/t/acme/").content.decode()
    assert "Nothing is connected yet" in text and 'href="/t/acme/catalogue/"' in text


def test_what_needs_a_person_stands_first(owner, make, acme):
    make.connection(acme, name="A good one")
    bad = make.connection(acme, name="Z bad one")
    bad.mark_needs_reconnect("unauthorized", now=NOON)
    text = owner.get("/t/acme/").content.decode()
    assert text.index("Z bad one") < text.index("A good one")
    assert (
        "One connection needs attention." in text
        and "The other system rejects the credential." in text
    )


@pytest.mark.corrections(item="3.9")
@pytest.mark.parametrize(
    ("state", "reason", "sentence"),
    [
        ("healthy", "", "All connections work."),
        ("disabled", "failing", "One connection needs attention."),
        ("disabled", "disabled", "No connection needs attention."),
        ("disabled", "disconnected", "No connection needs attention."),
        ("paused", "paused", "No connection needs attention."),
    ],
)
def test_connections_that_do_not_send_are_not_said_to_work(
    owner, make, acme, state, reason, sentence
):
    make.connection(acme, state=state, reason=reason)
    assert sentence in owner.get("/t/acme/").content.decode()


def test_a_suspended_tenant_reads_so(owner, acme):
    acme.suspend("unpaid", now=NOON)
    assert "Your organisation is suspended" in owner.get("/t/acme/").content.decode()


ASKS = {"channel": "identity('channel', 'orders')", "text": "'New order'"}


def test_what_must_still_be_said_stands_here_and_leads_there(owner, member, make, acme):
    row = make.connection(acme, "slack", name="Team chat")
    make.route(row, body=ASKS)
    for client in (owner, member):
        text = normalize_markup(client.get("/t/acme/").content.decode())
        assert (
            "Setup incomplete: select the matching records" in text
            and "one record to select" in text
        )
        assert (
            f'<a href="/t/acme/connections/{row.public_id}/identities/">Team chat: one record to '
            f"select</a>" in text
        )
    delivery = make.event(acme).deliveries.get()
    put([delivery], "held", "identity_missing", detail=str(IdentityMissing("channel", "orders")))
    assert "1 held delivery" in owner.get("/t/acme/").content.decode()
    make.identity(row, "channel", "orders", "C1")
    put([delivery], "delivered")
    assert (
        "Setup incomplete: select the matching records"
        not in owner.get("/t/acme/").content.decode()
    )


def test_what_is_disconnected_asks_for_nothing(owner, make, acme):
    row = make.connection(acme, "slack")
    make.route(row, body=ASKS)
    row.disable("disconnected", now=NOON)
    assert (
        "Setup incomplete: select the matching records"
        not in owner.get("/t/acme/").content.decode()
    )


@pytest.mark.parametrize("count", [1, 60])
def test_many_that_ask_cost_no_more_queries(owner, make, acme, count):
    for _ in range(count):
        make.route(make.connection(acme, "slack"), body=ASKS)
    page, asked = load_counting_queries(lambda: owner.get("/t/acme/"))
    assert asked == 13
    assert page.content.decode().count("one record to select") == count


@pytest.mark.parametrize("count", [0, 1, 60])
def test_many_connections_cost_no_more_queries(owner, make, acme, count):
    for _ in range(count):
        make.connection(acme)
    page, asked = load_counting_queries(lambda: owner.get("/t/acme/"))
    assert asked == 11
    assert page.content.decode().count('class="card linked"') == count
