"""The first page of the admin: bounded questions, whatever the hub holds."""

from datetime import timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hub.audit import ActorContext
from hub.connections.actions.kill_switches import switch_off
from hub.connections.models import KillSwitch
from hub.console.overview import list_visible_switches
from hub.db.clock import clock
from hub.outgoing.models import Delivery
from hub.queue import record_heartbeat
from tests.hub.outgoing.operating import planned
from tests.markup import normalize_markup

pytestmark = pytest.mark.django_db

MOST_QUERIES = 15  # an empty hub also asks whether there is a tenant, and a route


@pytest.fixture
def superuser(make, client):
    client.force_login(make.staff(is_superuser=True))
    return client


def open_dashboard(client):
    clock()  # it asks the database every few seconds, not for each page
    with CaptureQueriesContext(database) as queries:
        page = client.get(reverse("admin:index"))
    assert page.status_code == 200
    return normalize_markup(page.content.decode()), len(queries)


def read_changes(page):
    return page.partition('id="hub-changes"')[2].partition("</section>")[0]


def test_the_front_leads_to_the_dashboard_and_strangers_to_the_sign_in(client, superuser):
    assert superuser.get("/").url == reverse("admin:index")
    client.logout()
    assert client.get("/", follow=True).redirect_chain[-1][0].startswith(reverse("account_login"))


def test_an_empty_hub_shows_the_way_to_the_first_delivery(superuser):
    page, queries = open_dashboard(superuser)
    assert "Steps to the first delivery" in page
    assert "Create a tenant" in page
    assert queries <= MOST_QUERIES


def test_many_rows_cost_no_more_queries(superuser, make):
    record_heartbeat("worker", now=clock())
    one = make.delivery()
    _, before = open_dashboard(superuser)
    for _ in range(5):
        make.delivery(make.connection(state="needs_reconnect", reason="token_revoked"))
    Delivery.unscoped.filter(pk=one.pk).update(state="delivered", state_changed_at=clock())
    page, queries = open_dashboard(superuser)
    assert (queries, queries <= MOST_QUERIES) == (before, True)
    assert "Webhook refuses 5 tenants" in page


def test_what_was_delivered_is_counted_by_the_hour_and_has_a_table(superuser, make):
    now = clock()
    record_heartbeat("worker", now=now)
    make.delivery(now=now)
    Delivery.unscoped.update(state="delivered", state_changed_at=now - timedelta(hours=2))
    page, _ = open_dashboard(superuser)
    assert "All normal: 1 delivered in the last day, nothing is waiting." in page
    assert f'{now - timedelta(hours=2):%a %H:00}</th><td class="figure">1</td>' in page


def test_what_waits_on_a_held_lane_is_shown_as_held(superuser, make):
    record_heartbeat("worker", now=clock())
    connection = make.connection()
    make.delivery(connection)
    connection.pause("moving", until=None, now=clock())
    page, _ = open_dashboard(superuser)
    assert "All normal" in page
    assert "1 connection is paused or disabled." in page


def test_the_tile_its_link_the_lists_and_a_plan_agree_on_what_is_held(superuser, make):
    record_heartbeat("worker", now=clock())
    connection = make.connection()
    for _ in range(3):
        make.delivery(connection)
    connection.mark_needs_reconnect("unauthorized", now=clock())
    page, _ = open_dashboard(superuser)
    link = reverse("admin:outgoing_delivery_changelist") + "?state=held"
    assert (
        f'href="{link}"><span class="hub-tile-label">Held</span><span '
        f'class="hub-tile-value">3</span>' in page
    )
    assert ">held</span>" in page and ">waiting</span>" not in page
    assert superuser.get(link).context["cl"].result_count == 3
    assert planned("retry", state="held").count == planned("cancel", state="held").count == 3
    assert (
        planned("skip", state="held").count == 3 and planned("cancel", state="waiting").count == 0
    )


@pytest.mark.corrections(item="3.9")
def test_connections_that_stopped_working_stand_out(superuser, make):
    make.delivery()
    for _ in range(3):
        make.connection(state="needs_reconnect", reason="token_revoked", state_changed_at=clock())
    make.connection(state="disabled", reason="disabled", state_changed_at=clock())
    changes = read_changes(open_dashboard(superuser)[0])
    assert "Webhook: 3 connections changed to “needs reconnect”." in changes
    assert "?state__exact=needs_reconnect&amp;connector=webhook" in changes


@pytest.mark.corrections(item="3.9")
def test_connections_that_broke_long_ago_are_counted_beside_no_changes(superuser, make):
    make.delivery()
    make.connection(state="silent", state_changed_at=clock() - timedelta(days=3))
    changes = read_changes(open_dashboard(superuser)[0])
    assert "changed to" not in changes
    assert "1 connection has needed attention for longer." in changes


@pytest.mark.corrections(item="3.9")
def test_what_waits_for_a_later_attempt_is_no_backlog_of_what_is_claimed_next(superuser, make):
    now = clock()
    record_heartbeat("worker", now=now)
    due, later = (Delivery.unscoped.filter(pk=make.delivery().pk) for _ in range(2))
    due.update(accepted_at=now, due_at=now)
    later.update(accepted_at=now - timedelta(hours=2), due_at=now + timedelta(hours=1))
    page, _ = open_dashboard(superuser)
    assert 'hub-tile-value">2</span><span class="hub-quiet">1 for a later attempt' in page
    assert "oldest since" not in page


@pytest.mark.corrections(item="3.9")
def test_a_connection_that_the_hub_disabled_is_not_all_normal(superuser, make):
    record_heartbeat("worker", now=clock())
    row = make.delivery()
    Delivery.unscoped.filter(pk=row.pk).update(state="delivered", state_changed_at=clock())
    make.connection(state="disabled", reason="status_410", state_changed_at=clock())
    page, _ = open_dashboard(superuser)
    assert "Webhook is disabled for 1 tenant" in page and "All normal" not in page


def test_staff_see_their_own_tenants_only(client, make):
    make.delivery(make.connection(make.tenant("victim", name="Victim Ltd")))
    client.force_login(make.staff(make.tenant("own")))
    page, _ = open_dashboard(client)
    assert "Victim" not in page


def test_the_page_needs_no_inline_script_and_no_eval(superuser):
    answer = superuser.get(reverse("admin:index"))
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe-eval" not in policy
    assert (
        "script-src" not in policy
        or "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
    )
    assert "default-src 'self'" in policy
    assert "<script>" not in answer.content.decode()


def test_an_off_switch_is_a_banner_and_no_connection_reads_healthy(superuser, make):
    record_heartbeat("worker", now=clock())
    make.delivery()
    _, before = open_dashboard(superuser)
    switch_off(
        KillSwitch(scope="connector", connector_key="webhook", reason="They lose data"),
        ActorContext.system(),
        now=clock(),
    )
    page, queries = open_dashboard(superuser)
    assert "They lose data" in page and "Switched off: connector webhook" in page
    assert "1 switched off" in page and "1 healthy" not in page and queries == before


def test_a_connection_whose_calls_fail_is_shown_with_its_last_answer(superuser, make):
    record_heartbeat("worker", now=clock())
    make.delivery(
        make.connection(state="degraded", reason="endpoint_refuses", detail="400: no such field")
    )
    page, _ = open_dashboard(superuser)
    assert "All normal" not in page and "Webhook is degraded for 1 tenant" in page
    assert "400: no such field" in page and "only its operator can fix" in page


def test_staff_of_one_tenant_see_its_switches_and_the_wide_ones(client, make):
    tenant, other = make.tenant("own"), make.tenant("other")
    staff = make.staff(tenant)
    for scope in (
        {"scope": "tenant", "tenant": tenant},
        {"scope": "tenant", "tenant": other},
        {"scope": "platform"},
    ):
        switch_off(KillSwitch(reason="why", **scope), ActorContext.system(), now=clock())
    assert [switch.scope for switch in list_visible_switches(staff)] == ["platform", "tenant"]
    assert list_visible_switches(staff)[1].tenant == tenant
