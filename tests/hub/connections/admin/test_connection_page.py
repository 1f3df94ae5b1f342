"""The page of a connection for staff: the customers' page above the form, with what staff add."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from hub.audit import ActorContext
from hub.connections.actions.kill_switches import switch_off
from hub.connections.actions.signing_secret_actions import reveal_signing_secret
from hub.connections.models import Connection, KillSwitch
from hub.db.clock import clock
from hub.notices.models import Notice
from tests.factories import NOON
from tests.markup import normalize_markup
from tests.tenant_isolation.staff_blocks import list_staff_templates

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(client, make):
    """A member of staff with the permissions of these code names only."""

    def log_in(tenant, *codenames):
        user = make.staff(tenant)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(user)
        return client

    return log_in


def page_of(client, connection):
    url = reverse("admin:connections_connection_change", args=[connection.pk])
    response = client.get(url)
    assert response.status_code == 200
    return normalize_markup(response.content.decode())


def test_staff_read_the_sentences_that_customers_read(superuser, client, make):
    connection = make.connection(tenant := make.tenant("acme"), "splunk")
    connection.mark_needs_reconnect("unauthorized", "token_revoked", now=NOON)
    theirs = page_of(superuser, connection)
    client.force_login(make.membership(tenant, make.user("ann@acme.test"), "owner").user)
    response = client.get(f"/t/acme/connections/{connection.public_id}/")
    ours = normalize_markup(response.content.decode())

    shared = (
        "<span>needs reconnect</span></h2>",
        "Splunk reports:",
        "token_revoked",
        "Shared data",
    )
    assert all(text in page for text in shared for page in (theirs, ours))
    assert "our team" in ours and "our team" not in theirs
    assert "/admin/" not in ours and list_staff_templates(response) == []
    assert f"/admin/tenants/tenant/{tenant.pk}/change/" in theirs and "/t/acme/" not in theirs


def test_staff_see_who_switched_it_off_and_its_own_detail(superuser, make):
    connection = make.connection(state="degraded", detail="503 three times")
    switch = KillSwitch(scope="connector", connector_key="webhook", reason="they fail")
    switch_off(switch, ActorContext.system(), now=NOON)
    page = page_of(superuser, connection)
    assert "<span>switched off</span></h2>" in page and "they fail" in page
    assert "503 three times" in page and str(switch.subject) in page


def test_staff_read_why_a_paused_connection_is_switched_off_as_well(superuser, make):
    connection = make.connection(state="paused", reason="paused", detail="they move")
    until = NOON + timedelta(days=3650)
    switch = KillSwitch(
        scope="connector", connector_key="webhook", reason="they fail", expires_at=until
    )
    switch_off(switch, ActorContext.system(), now=NOON)
    page = page_of(superuser, connection)
    assert "<span>paused</span></h2>" in page and "they move" in page
    assert "they fail" in page and f"{until:%Y}" in page


def test_a_rotated_secret_is_shown_to_staff_in_the_answer_and_on_no_page(superuser, make):
    endpoint = make.connection()
    url = reverse("admin:connections_connection_verb", args=[endpoint.pk, "rotate_signing_secret"])
    answer = superuser.post(url).content.decode()
    stored = Connection.unscoped.get(pk=endpoint.pk)
    secret = reveal_signing_secret(stored, ActorContext.system(), now=clock())
    assert "Copy the signing secret now" in answer and secret in answer
    assert secret not in page_of(superuser, endpoint)


def test_an_open_breaker_says_when_it_probes_next(superuser, make):
    lane = make.connection().lane
    lane.open_until, lane.breaker_trips = NOON, 3
    lane.save()
    page = page_of(superuser, lane.connection)
    assert "The circuit breaker is open" in page and "opened 3 times in a row" in page


@pytest.mark.parametrize(
    ("codenames", "is_shown"),
    [
        (["view_delivery"], (True, False, False)),
        (["view_notice"], (False, True, False)),
        (["view_route"], (False, False, True)),
        ([], (False, False, False)),
    ],
)
def test_deliveries_notices_and_routes_need_their_own_permissions(
    reader, make, codenames, is_shown
):
    connection = make.connection()
    make.delivery(connection)
    Notice.unscoped.create(
        connection=connection, tenant=connection.tenant, kind="silent", created_at=NOON
    )
    page = page_of(reader(connection.tenant, "view_connection", *codenames), connection)
    titles = ("Latest deliveries", "Notifications", "Routes over this connection")
    assert tuple(f"{title}</h2>" in page for title in titles) == is_shown
    assert ("Waiting deliveries</h2>" in page) is is_shown[0]


def test_a_connection_of_the_platform_and_one_of_another_release_have_a_page(superuser, make):
    platform, other = make.connection(connector="app"), make.connection()
    assert "Platform" in page_of(superuser, platform)
    Connection.unscoped.filter(pk=other.pk).update(connector_key="gone")
    page = page_of(superuser, other)
    assert 'name="name"' in page and "Permissions</h2>" not in page
