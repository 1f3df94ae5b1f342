"""A browser that connects an account: the hub's pages by Django's client, the other system by the
real sandbox.
"""

import re
from urllib.parse import parse_qsl, urlsplit

import requests
from django.test import Client

from hub.connections.models import Authorization, Connection

CLIENTS = {
    "slack": {
        "client_id": "hub.slack",
        "client_secret": "slack-secret",
        "signing_secret": "a signing secret",
    },
    "salesforce": {"client_id": "hub.salesforce", "client_secret": "salesforce-secret"},
    "pipedrive": {"client_id": "hub.pipedrive", "client_secret": "pipedrive-secret"},
}
ACME = {"slack": "T0000ACME", "salesforce": "00D000000000001EAA"}


def register(make, desk, connector, **secret):
    login, test = f"{desk.url}/salesforce/login", f"{desk.url}/salesforce/test"
    urls = {
        "slack": {
            "api": f"{desk.url}/slack/api",
            "authorize": f"{desk.url}/slack/oauth/v2/authorize",
        },
        "salesforce": {
            "login": login,
            "token": f"{login}/services/oauth2/token",
            "sandbox_login": test,
            "sandbox_token": f"{test}/services/oauth2/token",
        },
        "pipedrive": {"api": desk.url, "oauth": f"{desk.url}/pipedrive/oauth"},
    }
    hosts = [] if connector == "slack" else [desk.url]
    return make.app(connector, CLIENTS[connector] | secret, urls=urls[connector], hosts=hosts)


class Browser:
    """One person in one browser."""

    def __init__(self, user, tenant):
        self.client, self.user, self.tenant = Client(), user, tenant
        self.client.force_login(user)

    def begin(self, connector, tenant=None, **fields):
        return self.client.post(
            f"/t/{(tenant or self.tenant).reference}/connect/{connector}/authorize", fields
        )

    def get_consent_url(self, connector, **fields):
        """The address of consent."""
        return self.begin(connector, **fields).context["url"]

    def allow(self, consent, place=0, *, ticked=None):
        """Choose an account there, and maybe less than was asked; gives the address on our side to
        come back to.
        """
        less = {} if ticked is None else {"scope_shown": "yes", "scope": ticked}
        return submit_consent(consent, account=list_offered_accounts(consent)[place], **less)

    def deny(self, consent):
        return submit_consent(consent, answer="deny")

    def follow_callback(self, address):
        return self.client.get(address, follow=True)

    def connect_account(self, connector, place=0, **fields):
        """As far as the confirm page."""
        return self.follow_callback(self.allow(self.get_consent_url(connector, **fields), place))

    def submit(self, page, do="confirm"):
        return self.client.post(page.request["PATH_INFO"], {"do": do})


def list_offered_accounts(consent):
    """Those that the page offers."""
    return re.findall(r'name="account" value="([^"]+)"', requests.get(consent, timeout=10).text)


def submit_consent(consent, **pressed):
    answer = requests.post(consent, data=pressed, allow_redirects=False, timeout=10)
    parts = urlsplit(answer.headers["Location"])
    assert parts.netloc == "hub.test", parts
    return f"{parts.path}?{parts.query}"


def query_of(url):
    return dict(parse_qsl(urlsplit(url).query))


def count_connections():
    return Connection.unscoped.count()


def get_newest_authorization():
    return Authorization.unscoped.order_by("-pk").first()


def get_problem_code(page):
    return page.context["problem"].code


class Guest(Browser):
    """Somebody without an account, in one browser."""

    def __init__(self):
        self.client = Client()

    def opens(self, link):
        return self.client.post(f"/connect/link/{link.token}/")

    def connect_account(self, link, place=0):
        return self.follow_callback(self.allow(self.opens(link).context["url"], place))
