"""Organisations of Salesforce that are signed in to at hosts of their own."""

from hub.connections.models import Connection
from tests.connectors.hostile_hosts import HOSTILE_HOSTS

ORG, UAT_ORG = "00D000000000001EAA", "00D000000000003EAA"
ACME, UAT = "acme.my.salesforce.com", "acme--uat.sandbox.my.salesforce.com"
OWN = {"environment": "login_host", "login_host": ACME}
TYPED = [
    host for host in HOSTILE_HOSTS if host.strip() not in ("", ACME)
]  # forms take white space away


def connect_organisation(browser, **fields):
    browser.submit(browser.connect_account("salesforce", **OWN | fields))
    return Connection.unscoped.get()


def list_called_hosts(desk):
    """Where tokens were asked for and revoked, in their order."""
    ends = ("oauth2/token", "oauth2/revoke")
    lines = [
        line
        for line in desk.ledger()
        if line["system"] == "salesforce" and line["path"].endswith(ends)
    ]
    return [line["path"].split("/")[2] for line in lines]
