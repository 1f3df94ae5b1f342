"""Each form and REST call that connects has one of three results: connected, test failed,
refused.
"""

import pytest

from connectors.registry import CONNECTORS
from hub.audit import ActorContext, find_audit_rows
from hub.connections.actions.kill_switches import switch_off
from hub.connections.models import (
    Authorization,
    Connection,
    ConnectLink,
    Credential,
    KillSwitch,
    Lane,
    Revocation,
)
from tenants.models import Tenant
from tests.factories import NOON
from tests.hub.connections.browsers import count_connections, get_problem_code

pytestmark = pytest.mark.django_db

TOKEN = "11111111-1111-4111-8111-111111111111"
WIZARD, ENDPOINT, GUEST = (
    "/t/acme/connect/splunk/fill-in/",
    "/t/acme/endpoints/add",
    "/connect/link/fill-in/",
)
ADD = "/admin/connections/connection/add/?connector=splunk"


@pytest.fixture
def form(outside):
    """What a person fills in for Splunk."""
    return {
        "name": "Our Splunk",
        "url": f"{outside.url}/splunk/acme",
        "token": TOKEN,
        "use_ack": "",
    }


@pytest.fixture
def rest_input(outside):
    return {"settings": {"url": f"{outside.url}/splunk/acme"}, "secrets": {"token": TOKEN}}


@pytest.fixture
def staff_client(client, make):
    client.force_login(make.staff(is_superuser=True))
    return client


@pytest.fixture(params=["a new one", "one that exists"])
def existing(request, make, acme):
    return make.connection(acme, "splunk") if request.param == "one that exists" else None


@pytest.fixture
def suspended_during_test(acme, monkeypatch):
    """Every system answers its test as the tenant is suspended in another request."""

    def suspending(connector_class):
        class Suspending(connector_class):
            def parse_probe(self, response, credential):
                Tenant.objects.get(pk=acme.pk).suspend("unpaid", now=NOON)
                return super().parse_probe(response, credential)

        return Suspending()

    for key in ("splunk", "webhook", "slack"):
        monkeypatch.setitem(CONNECTORS, key, suspending(type(CONNECTORS[key])))


def is_nothing_stored(existing=None):
    if existing:
        return Credential.unscoped.get().version == 1
    return not Connection.unscoped.exists()


def is_suspended_page(page):
    return (get_problem_code(page), page.status_code) == ("tenant_suspended", 409)


@pytest.mark.usefixtures("suspended_during_test")
class TestATenantSuspendedDuringTheTest:
    """The answer is the same as for one that was suspended before, and nothing is stored."""

    def test_the_form_of_the_wizard(self, browser, form):
        assert is_suspended_page(browser.client.post(WIZARD, form)) and is_nothing_stored()

    def test_the_form_of_a_connection_that_exists(self, browser, make, acme, form):
        connection = make.connection(acme, "splunk")
        url = f"/t/acme/connections/{connection.public_id}/reconnect/"
        assert is_suspended_page(browser.client.post(url, form)) and is_nothing_stored(connection)

    def test_an_endpoint_of_their_own(self, browser, outside):
        data = {"name": "Mine", "url": f"{outside.url}/webhook/acme/one", "types": "*"}
        assert is_suspended_page(browser.client.post(ENDPOINT, data)) and is_nothing_stored()

    def test_the_form_of_a_guest(self, guest, make, acme, form, existing):
        guest.opens(make.connect_link(acme, "splunk", connection=existing))
        assert is_suspended_page(guest.client.post(GUEST, form)) and is_nothing_stored(existing)
        assert ConnectLink.unscoped.get().used_at is None

    def test_an_account_that_was_granted(self, browser):
        page = browser.connect_account("slack")
        assert get_problem_code(browser.submit(page)) == "tenant_suspended"
        assert (count_connections(), Revocation.unscoped.count()) == (0, 1)
        assert Authorization.unscoped.get().reason == "tenant_suspended"

    def test_rest(self, shop, rest_input, existing):
        url = "/api/v1/connections"
        response = (
            shop.patch(f"{url}/{existing.public_id}", rest_input, format="json")
            if existing
            else shop.post(url, {"connector": "splunk", **rest_input}, format="json")
        )
        assert (response.status_code, response.json()["code"]) == (409, "tenant-suspended")
        assert is_nothing_stored(existing)

    def test_staff(self, staff_client, acme, form, existing):
        url = f"/admin/connections/connection/{existing.pk}/verbs/credential/" if existing else ADD
        page = staff_client.post(url, form | {"tenant": acme.pk})
        assert "Restore it before" in page.content.decode() and is_nothing_stored(existing)


# --- every entry point does and audits the same ---


def is_audited(connection, verb):
    row = find_audit_rows(connection).get(verb=verb)
    return row.before, row.after


def test_every_entry_point_connects_and_audits_the_same(
    staff_client, browser, shop, guest, make, acme, form, rest_input
):
    rest_body = {"connector": "splunk", "name": "Our Splunk", **rest_input}
    link_form = {key: form[key] for key in ("url", "token", "use_ack")}
    guest.opens(make.connect_link(acme, "splunk"))
    staff_client.post(ADD, form | {"tenant": acme.pk})
    browser.client.post(WIZARD, form)
    shop.post("/api/v1/connections", rest_body, format="json")
    guest.client.post(GUEST, link_form)
    connections = Connection.unscoped.order_by("pk")
    assert [connection.state for connection in connections] == ["healthy"] * 4
    rows = [is_audited(connection, "connection.connect") for connection in connections]
    by_staff, by_owner, by_program, by_guest = [
        (before, after | {"name": "", "settings": after["settings"] | {"use_ack": None}})
        for before, after in rows
    ]
    assert by_staff == by_owner == by_program == by_guest


def test_every_entry_point_updates_a_credential_and_audits_the_same(
    staff_client, browser, shop, guest, make, acme, form, rest_input
):
    connections = [make.connection(acme, "splunk", account="") for _ in range(4)]
    staffs, owners, programs, guests = connections
    guest.opens(make.connect_link(acme, "splunk", connection=guests))
    staff_client.post(f"/admin/connections/connection/{staffs.pk}/verbs/credential/", form)
    browser.client.post(f"/t/acme/connections/{owners.public_id}/reconnect/", form)
    shop.patch(f"/api/v1/connections/{programs.public_id}", rest_input, format="json")
    guest.client.post(GUEST, {key: form[key] for key in ("url", "token", "use_ack")})
    rows = [is_audited(connection, "connection.credential") for connection in connections]
    first, *others = [
        (before, after | {"settings": after["settings"] | {"use_ack": None}})
        for before, after in rows
    ]
    assert [one == first for one in others] == [True] * 3, (first, others)


@pytest.mark.parametrize("level", ["platform", "connector", "tenant", ""])
def test_a_new_connection_does_not_pass_a_switch_that_is_off(shop, rest_input, acme, level):
    subject = {"connector": {"connector_key": "splunk"}, "tenant": {"tenant": acme}}.get(level, {})
    if level:
        switch = KillSwitch(scope=level, reason="an incident", **subject)
        switch_off(switch, ActorContext.system(), now=NOON)
    shop.post("/api/v1/connections", {"connector": "splunk", **rest_input}, format="json")
    assert Lane.unscoped.get().switched_off_by == level
