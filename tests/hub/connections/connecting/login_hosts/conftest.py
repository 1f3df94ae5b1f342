"""Organisations that are signed in to at hosts of their own."""

import pytest

from connectors.schema import LOGIN_HOST
from hub.connections.models import ConnectorApp
from tests.hub.connections.connecting.login_hosts.organisations import ACME, ORG, UAT, UAT_ORG


@pytest.fixture(autouse=True)
def own_hosts(outside):
    """An organisation of Acme's and a sandbox of it, which let people sign in at their own hosts
    only.
    """
    app = {
        "client_id": "hub.salesforce",
        "client_secret": "salesforce-secret",
        "login_host_only": True,
    }
    uat = {"org": UAT_ORG, "name": "Acme UAT", "sandbox": True, "login_host": UAT}
    outside.world(salesforce=[{"org": ORG, "login_host": ACME} | app, uat | app])
    row, own = (
        ConnectorApp.objects.get(connector_key="salesforce"),
        f"{outside.url}/salesforce/{LOGIN_HOST}",
    )
    row.urls |= {"domain_login": own, "domain_token": f"{own}/services/oauth2/token"}
    row.save()
    return outside
