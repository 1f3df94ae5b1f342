"""Two tenants, a person and one of the staff, and keys of which both the row and the text are
known.
"""

import os

import pytest

from tenants.api_scopes import SCOPES
from tenants.models import ApiKey
from tests.tenants.door import come_as_guest


@pytest.fixture
def acme(make):
    return make.tenant("acme", time_zone="Europe/Berlin")


@pytest.fixture
def globex(make):
    return make.tenant("globex")


@pytest.fixture
def issue(db):
    def issue(tenant=None, scopes=None, **fields):
        may = [name for name, scope in SCOPES.items() if tenant is None or not scope.platform_only]
        return ApiKey.issue(
            name="shop", tenant=tenant, scopes=scopes or may, random=os.urandom, **fields
        )

    return issue


@pytest.fixture
def ann(make):
    return make.user("ann@acme.test", name="Ann")


@pytest.fixture
def robin(make):
    return make.user("robin@hub.test", is_staff=True, is_superuser=True)


@pytest.fixture(autouse=True)
def tolerate_one_totp_step(settings):
    """So that no test fails where a half minute ends within it."""
    settings.MFA_TOTP_TOLERANCE = 1


@pytest.fixture
def guest(client, make, acme, settings):
    """Ann, who came in by a portal link, and goes back to our application."""
    settings.HUB_PORTAL_RETURN_URLS = ["https://app.example.com"]
    come_as_guest(
        client, make.portal_link(acme, name="Ann", return_url="https://app.example.com/back")
    )
    return client


@pytest.fixture
def superuser(make, client):
    client.force_login(make.staff(email="robin@example.com", is_superuser=True))
    return client
