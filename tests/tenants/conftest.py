"""Two tenants, and keys of which both the row and the text are known."""

import os

import pytest

from tenants.models import ApiKey
from tenants.scopes import SCOPES


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
        return ApiKey.issue(name="shop", tenant=tenant, scopes=scopes or may, random=os.urandom, **fields)

    return issue
