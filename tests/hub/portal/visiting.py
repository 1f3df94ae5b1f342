"""People before the pages of a tenant: an owner, an admin, a member who reads, and a stranger of another tenant."""

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext


@pytest.fixture
def acme(make):
    return make.tenant("acme")


@pytest.fixture
def globex(make):
    return make.tenant("globex")


@pytest.fixture
def visit(make):
    """A client of a person with a role at a tenant: `visit(acme, "admin")`."""

    def visit(tenant, role="admin"):
        client = Client()
        client.force_login(make.membership(tenant, make.user(), role=role).user)
        return client

    return visit


@pytest.fixture
def admin(visit, acme):
    return visit(acme)


@pytest.fixture
def member(visit, acme):
    return visit(acme, "member")


@pytest.fixture
def stranger(visit, globex):
    return visit(globex, "owner")


def queries(client, url):
    client.get(url)
    with CaptureQueriesContext(database) as seen:
        assert client.get(url).status_code == 200
    return len(seen)


__all__ = ["acme", "admin", "globex", "member", "queries", "stranger", "visit"]
