"""What the page of a connection tells: what is set, what is shared, what becomes of events, who
looked at it.
"""

from datetime import timedelta

import pytest

from hub.connections.models import Connection
from hub.db.clock import clock
from hub.outgoing.models import Delivery
from tests.factories import NOON
from tests.hub.portal.pages import text_of, url_of
from tests.hub.portal.query_counts import load_counting_queries

pytestmark = pytest.mark.django_db


def test_settings_are_facts_and_secrets_are_only_named(admin, make, acme):
    connection = make.connection(acme, "splunk", secret={"token": "very-secret-token"})
    text = text_of(admin, connection)
    assert "https://splunk.example.com:8088" in text and "stored, never shown" in text
    assert "very-secret" not in text and "Shared data" in text and "Sent" in text


def test_a_connection_without_a_credential_has_a_page(admin, connection):
    Connection.unscoped.get(pk=connection.pk).credential.delete()
    assert "not set" not in text_of(admin, connection)


def test_a_mapping_is_described_with_a_sample(admin, make, acme):
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
    assert "the channel that is selected for “orders”" in text and "the event&#x27;s x" in text
    assert "<code>join(&#x27; &#x27;, [&#x27;Order&#x27;, data.number])</code>" in text
    assert "A similar event would be sent like this:" in text
    assert "&quot;Order A-1001&quot;" in text and "&quot;C1&quot;" in text


def test_a_sample_that_would_not_go_says_why(admin, make, acme):
    slack = make.connection(acme, "slack")
    make.route(slack, body={"channel": "identity('channel', data.number)", "text": "'Hi'"})
    make.route(slack, filter="data.total > `100`", name="Large ones")
    make.event(acme)
    text = text_of(admin, slack)
    assert (
        "A similar event would be held: The matching record in the other system has not been "
        "selected." in text
    )
    assert (
        "channel A-1001" in text
        and "would not be sent: The route&#x27;s filter excluded this event." in text
    )


def test_a_sample_shows_no_secret_and_no_markup(admin, make, connection):
    make.delivery(
        connection,
        data={"number": "<script>alert(1)</script>", "note": "Bearer abcdefghijklmnop123456"},
    )
    text = text_of(admin, connection)
    assert "<script>alert" not in text


def test_the_next_step_is_shown(admin, make, acme):
    slack = make.connection(acme, "slack", check_at=clock() + timedelta(hours=3))
    slack.lane.due_at = clock() + timedelta(minutes=5)
    slack.lane.save()
    text = text_of(admin, slack)
    assert "next attempt" in text and "Next test" in text and "in 2 hours" in text
    slack.pause("holiday", until=None, now=NOON)
    assert "nothing is sent until the problem is fixed" in text_of(admin, slack)


@pytest.mark.parametrize("count", [0, 1, 60])
def test_many_routes_cost_no_more_queries(admin, make, acme, connection, count):
    mapping = make.mapping(acme)
    for number in range(count):
        make.route(connection, mapping=mapping, name=f"Route {number}")
    make.event(acme)
    Delivery.unscoped.update(state="delivered")
    page, asked = load_counting_queries(lambda: admin.get(url_of(connection)))
    assert asked == (21 if count else 17)
    assert ("Not all routes are shown" in page.content.decode()) is (count == 60)


# --- our support ---


def test_a_visit_of_our_support_is_listed_once_an_hour(admin, client, make, connection):
    client.force_login(make.staff(is_superuser=True, email="help@hub.test"))
    for _ in range(2):
        page = client.get(f"/admin/connections/connection/{connection.pk}/change/", follow=True)
    assert page.status_code == 200
    text = text_of(admin, connection)
    assert text.count("viewed it (support)") == 1 and "help@hub.test" in text
