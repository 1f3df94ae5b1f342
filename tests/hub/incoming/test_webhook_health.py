"""Webhook health on one page: for customers their own, for staff that of all tenants."""

from datetime import timedelta

import pytest
from django.urls import reverse

from hub.connections.models import Connection
from hub.db.clock import clock
from hub.incoming.endpoints.create import get_or_create_app_endpoint
from hub.incoming.models import (
    InboundCount,
    RhythmDay,
    SourceCanary,
    WebhookSubscription,
)
from hub.incoming.receiving.counts import truncate_to_minute
from tests.factories import NOON
from tests.hub.portal.query_counts import count_queries
from tests.tenants.door import sign_in

pytestmark = pytest.mark.django_db
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def now():
    return clock()


@pytest.fixture
def acme(make):
    tenant = make.tenant("acme")
    make.membership(tenant, make.user("ann@acme.test"), "owner")
    return tenant


@pytest.fixture
def browser(client, acme):
    sign_in(client, "ann@acme.test")
    return client


@pytest.fixture
def staff(make, client):
    client.force_login(make.staff(is_superuser=True))
    return client


@pytest.fixture
def pipedrive(make, acme):
    return make.connection(acme, "pipedrive", account="701", secret={}, name="Our Pipedrive")


def load(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, answer
    return " ".join(answer.content.decode().split())


def health(client, view=""):
    return load(client, f"/t/acme/webhooks/{f'?view={view}' if view else ''}")


def count(make, connection, cause, number, *, at):
    InboundCount.unscoped.create(
        endpoint=make.inbound_endpoint(connection),
        minute=truncate_to_minute(at),
        cause=cause,
        count=number,
    )


def test_an_empty_page_says_the_next_step(browser):
    text = health(browser)
    assert "An endpoint of yours receives the events" in text and "/t/acme/endpoints/" in text
    assert "as soon as a route takes events" in text and "/t/acme/integrations/" in text


def test_a_source_shows_its_answers_rate_and_completeness(make, browser, pipedrive, now):
    source = make.source(pipedrive, heard_at=now - 3 * MINUTE)
    for cause, number in (("accepted", 9), ("wrong_secret", 4), ("unavailable", 2)):
        count(make, pipedrive, cause, number, at=now - HOUR)
    count(make, pipedrive, "accepted", 70, at=now - 30 * HOUR)
    assert "too little history" in health(browser)
    make.rhythm(source, rate=2)
    text = health(browser)
    assert "9 accepted, 4 rejected, 2 failed" in text and "about 48 a day" in text
    assert "All sources are complete." in text
    assert f"/t/acme/webhooks/sources/{source.public_id}/" in text


def test_a_source_with_far_fewer_events_says_so_without_an_alarm(make, browser, pipedrive, now):
    source = make.source(pipedrive, heard_at=now)
    make.rhythm(source, rate=2, is_fading=True)
    text = health(browser)
    assert "far fewer in the last seven days" in text and "All sources are complete." in text
    page = load(browser, f"/t/acme/webhooks/sources/{source.public_id}/")
    assert "fewer than half of its usual events" in page
    source.rhythms.update(is_fading=False)
    assert "fewer than half" not in load(browser, f"/t/acme/webhooks/sources/{source.public_id}/")


def test_the_sentence_on_top_names_the_earliest_gap(make, browser, pipedrive, now):
    person, deal = make.source(pipedrive, heard_at=now), make.source(pipedrive, "deal")
    assert "Of 1 source it is not known yet." in health(browser)
    make.gap(
        person,
        now=now,
        from_at=now - 11 * MINUTE,
        state="reading",
        due_at=None,
        read_count=3,
        expected_count=11,
    )
    assert "a gap of 11 minutes is being read, 3 of 11 done" in health(browser)
    make.gap(deal, now=now)
    assert "1 further source is not complete." in health(browser)


def test_each_view_shows_only_its_problem(make, browser, acme, now):
    def connect(name, **fields):
        connection = make.connection(acme, "pipedrive", account=name, secret={}, name=name)
        make.source(connection, **fields)
        return connection

    connect("Fine one", heard_at=now)
    connect("Mute one", state="silent")
    for name in ("Thin one", "Mute one"):
        connection = Connection.unscoped.filter(name=name).first() or connect(name, heard_at=now)
        make.rhythm(connection.sources.get(), rate=2, is_fading=True)
    rejecting, broken, by_hand = (connect(name) for name in ("Shut one", "Torn one", "Hand one"))
    make.inbound_message(rejecting, state="rejected", cause="wrong_secret", now=now - HOUR)
    types = {"event_types": ["person.created"]}
    make.webhook_subscription(broken, state="gone", **types)
    make.webhook_subscription(by_hand, state="manual", **types)
    names = {"Fine one", "Mute one", "Thin one", "Shut one", "Torn one", "Hand one"}
    for view, shown in (
        ("", names),
        ("silent", {"Mute one"}),
        ("fading", {"Thin one"}),
        ("rejected", {"Shut one"}),
        ("failing", {"Torn one"}),
        ("manual", {"Hand one"}),
        ("nonsense", names),
    ):
        text = health(browser, view)
        assert {name for name in names if name in text} == shown, view


def test_an_own_endpoint_that_fails_is_among_those_that_we_call(make, browser, acme, now):
    endpoint = make.connection(acme, "webhook", name="Our server")
    lane = endpoint.lane
    type(lane).unscoped.filter(pk=lane.pk).update(failing_since=now - HOUR)
    make.connection(acme, "webhook", name="Our other server")
    text = health(browser, "failing")
    assert "Our server" in text and "Our other server" not in text
    assert "Our other server" in health(browser)
    assert "Our server" not in health(browser, "silent")


def test_a_shared_url_tells_a_customer_nothing_of_other_tenants(make, browser, client, acme, now):
    slack = make.connection(acme, "slack", account="T1", secret={}, name="Our Slack")
    endpoint = get_or_create_app_endpoint("slack", slack.connector.webhook_source, now=now)
    WebhookSubscription.unscoped.create(
        endpoint=endpoint,
        key="all",
        state="manual",
        event_types=["message.created"],
        evidence={"app": "A0PLATFORM"},
    )
    InboundCount.unscoped.create(
        endpoint=endpoint, minute=truncate_to_minute(now), cause="accepted", count=4711
    )
    source = make.source(slack, "message")
    path = f"/t/acme/webhooks/sources/{source.public_id}/"
    text = health(browser) + load(browser, path)
    assert "Our Slack" in text and "4711" not in text and "A0PLATFORM" not in text
    client.force_login(make.staff(is_superuser=True))
    assert "4,711 accepted" in load(client, reverse("admin:incoming_inboundsource_health"))


def test_a_source_shows_a_week_its_gaps_and_its_registration(make, browser, pipedrive, now):
    source = make.source(pipedrive, canary_heard_at=now - HOUR, heard_at=now)
    rhythm = make.rhythm(source, rate=2)
    RhythmDay.unscoped.create(rhythm=rhythm, day=now.date(), **{f"h{now.hour:02}": 5})
    SourceCanary.unscoped.create(source=source, is_on=True, state="idle", round_trip_ms=1234)
    make.gap(
        source,
        now=now,
        state="closed",
        due_at=None,
        read_count=412,
        known_count=397,
        new_count=15,
    )
    make.webhook_subscription(
        pipedrive,
        state="verified",
        event_types=["person.created"],
        evidence={"is_active": 1, "last_http_status": 200},
    )
    text = load(browser, f"/t/acme/webhooks/sources/{source.public_id}/")
    assert "read 412, known 397, new 15" in text and "1,234 ms" in text
    assert "Status of our last answer" in text and "is_active" not in text
    assert "usually one every 30 minutes at this hour" in text
    assert 'class="gap"' in text and 'class="expected"' in text and 'class="info"' in text
    assert '<td class="figure">5</td> <td class="figure"> 2.0 </td>' in text


def test_the_page_of_a_source_says_what_its_registration_lacks(make, browser, pipedrive, now):
    source = make.source(pipedrive, heard_at=now)
    lost = make.webhook_subscription(pipedrive, state="gone", event_types=["person.created"])
    path = f"/t/acme/webhooks/sources/{source.public_id}/"
    assert "As far as is known, its webhooks arrive." not in load(browser, path)
    assert browser.get(path).context["entry"].described_state[0] == "gone"
    WebhookSubscription.unscoped.filter(pk=lost.pk).update(state="verified")
    assert "As far as is known, its webhooks arrive." in load(browser, path)


def test_another_tenants_source_is_not_found(make, browser):
    source = make.source(make.connection(make.tenant("globex"), "pipedrive", secret={}))
    assert browser.get(f"/t/acme/webhooks/sources/{source.public_id}/").status_code == 404
    assert str(source.public_id) not in health(browser)


def test_staff_see_all_tenants_and_the_page_of_a_source(make, staff, pipedrive):
    other = make.connection(make.tenant("globex"), "pipedrive", secret={}, name="Their CRM")
    source = make.source(other)
    make.source(pipedrive)
    text = load(staff, reverse("admin:incoming_inboundsource_health"))
    assert "Our Pipedrive" in text and "Their CRM" in text
    url = reverse("admin:incoming_inboundsource_change", args=[source.pk])
    assert url in text and "Registrations" in load(staff, url)


@pytest.mark.parametrize("view", ["", "failing"])
def test_the_page_takes_the_same_statements_for_sixty_sources(make, browser, acme, view, now):
    def add():
        account = str(next(make.numbers))
        connection = make.connection(acme, "pipedrive", account=account, secret={})
        make.webhook_subscription(connection, state="gone", event_types=["person.created"])
        make.rhythm(make.source(connection, heard_at=now), rate=1)
        make.gap(connection.sources.get(), now=now)
        count(make, connection, "accepted", 1, at=now)

    add()
    url = f"/t/acme/webhooks/?view={view}"
    few = count_queries(browser, url)
    for _ in range(60):
        add()
    assert count_queries(browser, url) == few
    text = load(browser, url)
    assert text.count("/webhooks/sources/") == 50 and "after=" in text


def test_the_pages_of_the_list_show_each_source_once(make, browser, acme):
    connection = make.connection(acme, "pipedrive", account="701", secret={})
    ids = {str(make.source(connection, f"object_{n}").public_id) for n in range(60)}
    first = browser.get("/t/acme/webhooks/")
    query = first.context["health"].more_received
    second = browser.get(f"/t/acme/webhooks/{query}")
    found = [
        str(row.source.public_id)
        for answer in (first, second)
        for row in answer.context["health"].received
    ]
    assert len(found) == 60 and set(found) == ids
    assert second.context["health"].more_received == ""


def test_problems_are_on_the_first_page_however_old_they_are(make, browser, acme):
    connections = [
        make.connection(acme, "pipedrive", account=f"7{n:02}", secret={}) for n in range(60)
    ]
    sources = [make.source(connection) for connection in connections]
    make.gap(sources[0])
    type(sources[1]).unscoped.filter(pk=sources[1].pk).update(state="silent")
    endpoints = [make.connection(acme) for n in range(60)]
    type(endpoints[0].lane).unscoped.filter(pk=endpoints[0].lane.pk).update(failing_since=NOON)
    first = browser.get("/t/acme/webhooks/").context["health"]
    assert {row.source for row in first.received[:2]} == set(sources[:2])
    assert first.called[0].connection == endpoints[0]
    page = browser.get(f"/t/acme/webhooks/{first.more_received}").context["health"]
    shown = [row.source.pk for part in (first, page) for row in part.received]
    assert sorted(shown) == [source.pk for source in sources]


def test_the_page_of_a_connection_says_until_when_it_is_complete(make, browser, pipedrive, now):
    source = make.source(pipedrive, heard_at=now - MINUTE)
    make.webhook_subscription(pipedrive, state="verified")
    text = load(browser, f"/t/acme/connections/{pipedrive.public_id}/")
    assert "Pipedrive: complete until" in text
    assert f"/t/acme/webhooks/sources/{source.public_id}/" in text


def test_the_overview_counts_sources_that_are_not_complete(make, staff, pipedrive, now):
    make.delivery()
    make.gap(make.source(pipedrive), now=now)
    answer = staff.get(reverse("admin:index"))
    assert answer.context["snapshot"].incomplete_sources == 1
