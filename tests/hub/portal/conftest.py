"""Owner, admin and member of a tenant, and a stranger of another, each in a browser; the sandbox as
the world.
"""

import pytest
from django.test import Client

from tests.hub.connections.conftest import outside
from tests.sandbox.conftest import desk
from tests.tenants.door import reauthenticate

__all__ = ["desk", "outside"]


@pytest.fixture
def acme(make):
    return make.tenant("acme", name="Acme Teas", time_zone="Europe/Berlin")


@pytest.fixture
def globex(make):
    return make.tenant("globex")


@pytest.fixture
def open_browser(make):
    """Makes a browser of a person with a role at a tenant."""

    def somebody(tenant, role="admin"):
        client = Client()
        client.force_login(make.membership(tenant, make.user(), role=role).user)
        return client

    return somebody


@pytest.fixture
def owner(open_browser, acme):
    return open_browser(acme, "owner")


@pytest.fixture
def admin(open_browser, acme):
    return open_browser(acme, "admin")


@pytest.fixture
def reauthenticated_admin(admin):
    """The admin, who has just shown who they are."""
    reauthenticate(admin)
    return admin


@pytest.fixture
def member(open_browser, acme):
    return open_browser(acme, "member")


@pytest.fixture
def stranger(open_browser, globex):
    return open_browser(globex, "owner")


@pytest.fixture
def connection(make, acme):
    return make.connection(acme, name="Ours")
