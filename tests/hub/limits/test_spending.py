"""Replays, connections, portal links and invitations have limits, which staff set and customers
read.
"""

import re

import pytest
from django.urls import reverse

from connectors.schema import Account
from hub.audit import AuditRow
from hub.connections.connecting import connect
from hub.connections.credentials.account_probe import ProbeResult
from hub.connections.models import Connection
from hub.limits.definitions import LIMITS, tenant_quotas, unknown_limit_names
from hub.limits.exceeded import LimitExceeded
from hub.outgoing.models import Delivery
from tenants.models import Invitation, PortalLink, Tenant
from tests.factories import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(make):
    return make.tenant(
        "acme", limits={"replays": 1, "connections": 1, "portal_links": 1, "invitations": 1}
    )


@pytest.fixture
def shop(api, acme):
    return api.of(acme)


@pytest.fixture
def owner(make, acme, client):
    person = make.user("ann@acme.example")
    make.membership(acme, person, role="owner")
    client.force_login(person)
    return client


def codes(*answers):
    return [answer.json().get("code", answer.status_code) for answer in answers]


def retry(client, delivery):
    Delivery.unscoped.update(state="failed", reason="exhausted")
    return client.post(f"/api/v1/deliveries/{delivery.public_id}/retry")


def test_single_replays_are_limited_for_each_tenant(make, api, shop, acme):
    delivery = make.delivery(make.connection(acme))
    assert [retry(shop, delivery).status_code for _ in range(2)] == [200, 429]
    assert Delivery.unscoped.get().state == "failed"
    assert retry(api.platform(), delivery).status_code == 200


def test_a_replay_that_was_not_possible_is_not_counted(make, shop, acme):
    delivery = make.delivery(make.connection(acme))
    assert shop.post(f"/api/v1/deliveries/{delivery.public_id}/send-again").status_code == 409
    assert retry(shop, delivery).status_code == 200


def test_replays_on_the_pages_are_counted_together_with_those_of_the_api(make, owner, shop, acme):
    delivery = make.delivery(make.connection(acme))
    assert retry(shop, delivery).status_code == 200
    Delivery.unscoped.update(state="failed")
    answer = owner.post(f"/t/acme/deliveries/{delivery.public_id}/retry")
    assert answer.status_code == 429 and "at most 1 for this tenant" in answer.content.decode()
    assert Delivery.unscoped.get().state == "failed"


def test_cancelling_is_no_replay(make, shop, acme):
    rows = [make.delivery(make.connection(acme)) for _ in range(2)]
    assert [
        shop.post(f"/api/v1/deliveries/{row.public_id}/cancel").status_code for row in rows
    ] == [200, 200]


def test_portal_links_are_limited(shop):
    data = {"user": "u-1", "role": "member"}
    answers = [shop.post("/api/v1/portal-links", data, format="json") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 429]
    assert PortalLink.unscoped.count() == 1 and 1 <= int(answers[1]["Retry-After"]) <= 3600


def test_invitations_are_limited(shop):
    wanted = [{"email": f"{name}@acme.example", "role": "member"} for name in "ab"]
    answers = [shop.post("/api/v1/invitations", said, format="json") for said in wanted]
    assert [answer.status_code for answer in answers] == [201, 429]
    assert Invitation.unscoped.count() == 1


def test_connections_are_limited_at_a_time(make, acme):
    connection = make.connection(acme)
    Connection.unscoped.filter(pk=connection.pk).update(state="disabled", reason="disconnected")
    make.connection(acme)
    draft = connect.draft_connection(acme, "webhook", "another", {"url": "https://example.com/2"})
    with pytest.raises(LimitExceeded) as refused:
        connect.connect_account(
            draft, {}, ProbeResult(Account("2")), connected_by=None, random=lambda: 0.5, now=NOON
        )
    assert (refused.value.status_code, refused.value.code, refused.value.headers) == (
        409,
        "limit-reached",
        {},
    )


def test_staff_set_the_limits_of_a_tenant_and_the_audit_tells(make, client, acme):
    client.force_login(make.staff(is_superuser=True))
    client.post(
        reverse("admin:tenants_tenant_verb", args=[acme.pk, "set_limits"]),
        {"events": "500", "replays": ""},
    )
    acme = Tenant.objects.get()
    assert acme.limits == {"events": 500}
    assert (tenant_quotas(acme)["events"], tenant_quotas(acme)["replays"]) == (
        500,
        LIMITS["replays"].quota,
    )
    assert AuditRow.objects.get(verb="tenant.set_limits").after == {"limits": {"events": 500}}
    page = client.get(reverse("admin:tenants_tenant_change", args=[acme.pk])).content.decode()
    assert re.search(r">\s*500\s*</td>", page)


def test_staff_of_one_tenant_do_not_set_them(make, client, acme):
    client.force_login(make.staff(acme, is_superuser=False))
    client.post(
        reverse("admin:tenants_tenant_verb", args=[acme.pk, "set_limits"]), {"events": "500"}
    )
    assert "events" not in Tenant.objects.get().limits


def test_customers_read_their_limits_and_what_is_used(owner, shop):
    shop.post("/api/v1/portal-links", {"user": "u-1", "role": "member"}, format="json")
    text = owner.get("/t/acme/settings/").content.decode()
    for limit in LIMITS.values():
        assert str(limit.label) in text


def test_an_unknown_limit_is_found():
    assert unknown_limit_names({"evnts": 5, "events": 5}) == ["evnts"]
