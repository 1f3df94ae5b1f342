"""People and programs limit from which networks the webhooks of a URL are accepted."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from connectors.registry import CONNECTORS
from hub.audit import ActorContext, AuditRow
from hub.db.clock import clock
from hub.incoming.endpoints.allowed_sources import NetworksRefused, set_allowed_sources
from hub.incoming.endpoints.create import get_or_create_app_endpoint
from hub.incoming.models import InboundEndpoint, WebhookSubscription
from tests.hub.incoming.webhook_posts import endpoint_of, post_pipedrive
from tests.tenants.door import sign_in

pytestmark = pytest.mark.django_db(transaction=True)
ELSEWHERE, HERE = "203.0.113.0/24", "127.0.0.0/8"
VERB = "inbound_endpoint.allow_sources"


@pytest.fixture
def pipedrive(make):
    return make.connection(make.tenant("acme"), "pipedrive", account="8712345", secret={})


@pytest.fixture
def subscription(pipedrive):
    return WebhookSubscription.unscoped.create(
        endpoint=endpoint_of(pipedrive),
        tenant=pipedrive.tenant,
        key="person",
        event_types=["person.created"],
        state="verified",
    )


def find_networks():
    return InboundEndpoint.unscoped.get().allowed_sources


def test_a_program_limits_the_senders_and_opens_the_url_again(client, api, pipedrive, subscription):
    url = f"/api/v1/webhook-subscriptions/{subscription.public_id}"
    key = api.of(pipedrive.tenant)
    answer = key.post(f"{url}/allow-sources", {"networks": [ELSEWHERE, ELSEWHERE]}, format="json")
    assert (answer.status_code, answer.json()["allowed_sources"]) == (200, [ELSEWHERE])
    assert post_pipedrive(client, pipedrive).status_code == 401
    key.post(f"{url}/allow-sources", {"networks": []}, format="json")
    assert key.get(url).json()["allowed_sources"] == []
    changes = AuditRow.objects.filter(verb=VERB).order_by("pk").values_list("before", "after")
    assert [(before["networks"], after["networks"]) for before, after in changes] == [
        ([], [ELSEWHERE]),
        ([ELSEWHERE], []),
    ]


@pytest.mark.parametrize("text", ["everywhere", "203.0.113.7/24", "::ffff:203.0.113.7", "", "*"])
def test_a_program_is_told_which_network_is_none(api, pipedrive, subscription, text):
    url = f"/api/v1/webhook-subscriptions/{subscription.public_id}/allow-sources"
    answer = api.of(pipedrive.tenant).post(url, {"networks": [HERE, text]}, format="json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"].startswith("/networks")
    assert find_networks() == []


def test_people_of_the_tenant_limit_the_senders_on_a_page(client, pipedrive, subscription, make):
    make.membership(pipedrive.tenant, make.user("ann@acme.test"), "owner")
    sign_in(client, "ann@acme.test")
    url = f"/t/acme/webhooks/{subscription.public_id}/allow_sources"
    connection_url = f"/t/acme/connections/{pipedrive.public_id}/"
    assert f'href="{url}"' in client.get(connection_url).content.decode()
    assert "Networks" in client.get(url).content.decode()
    refused = client.post(url, {"networks": f"{HERE}\nno network"}).content.decode()
    assert "“no” is not a network" in refused
    client.post(url, {"networks": f"{HERE}\r\n2001:db8::/32", "reason": "they asked for it"})
    assert find_networks() == [HERE, "2001:db8::/32"]
    assert "Accepted only from" in client.get(connection_url).content.decode()
    assert AuditRow.objects.get(verb=VERB).reason == "they asked for it"


def test_staff_limit_the_senders_on_the_page_of_a_subscription(client, make, subscription):
    client.force_login(make.staff(is_superuser=True))
    page = "admin:incoming_webhooksubscription"
    url = reverse(f"{page}_verb", args=[subscription.pk, "allow_sources"])
    client.post(url, {"networks": ELSEWHERE, "reason": "a flood"})
    assert find_networks() == [ELSEWHERE]
    shown = client.get(reverse(f"{page}_change", args=[subscription.pk])).content.decode()
    assert "Accepted only from" in shown and ELSEWHERE in shown


def test_an_operator_limits_the_senders_by_a_command(pipedrive, subscription):
    out = StringIO()
    why = {"why": "a flood", "stdout": out}
    call_command("allow_sources", str(pipedrive.public_id), HERE, "203.0.113.7", **why)
    assert find_networks() == [HERE, "203.0.113.7/32"] and "203.0.113.7/32" in out.getvalue()
    call_command("allow_sources", str(subscription.public_id), **why)
    assert find_networks() == [] and "from everywhere" in out.getvalue()
    with pytest.raises(CommandError, match="not a network"):
        call_command("allow_sources", str(pipedrive.public_id), "nowhere", **why)
    with pytest.raises(CommandError, match="has the ID"):
        call_command("allow_sources", str(pipedrive.tenant.public_id), HERE, **why)


def test_an_endpoint_has_at_most_a_hundred_networks(pipedrive):
    endpoint, networks = endpoint_of(pipedrive), [f"10.{number}.0.0/16" for number in range(101)]
    set_allowed_sources(endpoint, networks[:100], ActorContext.system(), now=clock())
    with pytest.raises(NetworksRefused, match="at most 100 networks"):
        set_allowed_sources(endpoint, networks, ActorContext.system(), now=clock())
    with pytest.raises(NetworksRefused, match="at most 100 networks"):  # none of them is read
        set_allowed_sources(endpoint, map(str, range(999)), ActorContext.system(), now=clock())
    assert len(find_networks()) == 100


def test_the_url_of_all_tenants_is_limited_by_unrestricted_staff_only():
    source = CONNECTORS["slack"].webhook_source
    endpoint = get_or_create_app_endpoint("slack", source, now=clock())
    limited = ActorContext(ActorContext.system().actor)
    with pytest.raises(NetworksRefused, match="all tenants"):
        set_allowed_sources(endpoint, [HERE], limited, now=clock())
    assert find_networks() == []
