"""The sandbox, an owner who connects, and our registrations at the two systems."""

from urllib.parse import urlsplit

import pytest

from tests.hub.connections.browsers import CLIENTS, Browser, Guest, register
from tests.sandbox.conftest import desk

__all__ = ["desk"]


@pytest.fixture
def outside(make, desk, settings):
    """The other systems, and our apps there."""
    settings.HUB_EGRESS_ALLOW = [urlsplit(desk.url).netloc]
    desk.world(
        app={"hub": "https://hub.test"},
        salesforce=[{"org": "00D000000000001EAA", "requires_pkce": True}],
    )
    for connector in CLIENTS:
        register(make, desk, connector)
    return desk


@pytest.fixture
def acme(make):
    return make.tenant("acme", name="Acme Teas")


@pytest.fixture
def browser(make, acme, outside):
    """Of an owner of acme."""
    return person(make, acme, "owner")


@pytest.fixture
def open_browser(make, outside):
    """Makes a browser of somebody at a tenant."""
    return lambda tenant, role="admin": person(make, tenant, role)


def person(make, tenant, role):
    user = make.user()
    make.membership(tenant, user, role=role)
    return Browser(user, tenant)


@pytest.fixture
def shop(api, acme):
    """The client of Acme's own key."""
    return api.of(acme)


@pytest.fixture
def guest(db):
    return Guest()


@pytest.fixture
def link(make, acme, outside):
    return make.connect_link(acme, "slack")


@pytest.fixture
def superuser(make, client):
    client.force_login(make.staff(email="robin@example.com", is_superuser=True))
    return client
