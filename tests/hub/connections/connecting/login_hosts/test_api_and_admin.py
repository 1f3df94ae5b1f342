"""Login hosts by REST and in the admin."""

import pytest
from django.urls import reverse

from connectors.schema import LOGIN_HOST
from hub.connections.models import Connection, ConnectLink, ConnectorApp
from tests.hub.connections.connecting.login_hosts.organisations import (
    ACME,
    TYPED,
    UAT,
    connect_organisation,
)

pytestmark = pytest.mark.django_db


def refusals(answer):
    return answer.status_code, [error["pointer"] for error in answer.json()["errors"]]


def test_a_program_names_the_host_in_a_link(api, acme):
    response = api.of(acme).post(
        "/api/v1/connect-links", {"connector": "salesforce", "login_host": UAT}, "json"
    )
    assert (
        response.status_code,
        response.json()["environment"],
        response.json()["login_host"],
    ) == (
        201,
        "sandbox",
        UAT,
    )
    assert ConnectLink.unscoped.get().login_host == UAT


def test_a_program_makes_no_link_to_another_host(api, acme):
    client = api.of(acme)
    for host in TYPED:
        answer = client.post(
            "/api/v1/connect-links", {"connector": "salesforce", "login_host": host}, "json"
        )
        assert (host, *refusals(answer)) == (host, 400, ["/login_host"])
    assert not ConnectLink.unscoped.exists()


@pytest.mark.parametrize(
    "wanted",
    [
        ("slack", ACME, ""),
        ("webhook", ACME, ""),
        ("salesforce", ACME, "sandbox"),
        ("salesforce", UAT, "production"),
    ],
)
def test_a_host_that_does_not_fit_the_rest_is_refused(api, acme, wanted):
    said = {
        key: value
        for key, value in zip(("connector", "login_host", "environment"), wanted, strict=True)
        if value
    }
    assert refusals(api.of(acme).post("/api/v1/connect-links", said, "json")) == (
        400,
        ["/login_host"],
    )
    assert not ConnectLink.unscoped.exists()


def test_a_program_reads_which_host_is_used_and_which_systems_have_any(browser, api, acme):
    row, client = connect_organisation(browser), api.of(acme)
    assert (
        client.get(f"/api/v1/connections/{row.public_id}").json()["settings"]["login_host"] == ACME
    )
    known = {
        entry["key"]: entry["login_host"]
        for entry in client.get("/api/v1/connectors").json()["items"]
    }
    assert known["salesforce"]["example"] == ACME and known["slack"] is None


# --- staff ---


def test_staff_see_where_people_sign_in_and_change_it_for_a_desk(client, make, own_hosts):
    client.force_login(make.staff(is_superuser=True))
    app = ConnectorApp.objects.get(connector_key="salesforce")
    page = reverse("admin:connections_connectorapp_change", args=[app.pk])
    assert (
        f"{own_hosts.url}/salesforce/{ACME}/services/oauth2/authorize"
        in client.get(page).content.decode()
    )
    data = {"client_id": "hub.salesforce", "hosts": own_hosts.url}
    fixed = client.post(page, data | {"url_domain_login": own_hosts.url})
    assert list(fixed.context["form"].errors) == ["url_domain_login"]
    client.post(page, data | {"url_domain_login": f"{own_hosts.url}/{LOGIN_HOST}"})
    assert ConnectorApp.objects.get(pk=app.pk).urls == {
        "domain_login": f"{own_hosts.url}/{LOGIN_HOST}"
    }


def test_staff_store_no_other_host_without_a_test_either(browser, client, make):
    row = connect_organisation(browser)
    client.force_login(make.staff(is_superuser=True))
    data = {"environment": "production", "anyway": "on", "reason": "trust me"}
    for host in TYPED:
        client.post(
            reverse("admin:connections_connection_verb", args=[row.pk, "credential"]),
            data | {"login_host": host},
        )
    assert Connection.unscoped.get().settings["login_host"] == ACME
    client.post(
        reverse("admin:connections_connection_verb", args=[row.pk, "credential"]),
        data | {"login_host": ""},
    )
    assert Connection.unscoped.get().settings["login_host"] == ""
