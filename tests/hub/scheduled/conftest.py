"""A tenant with an owner who is signed in, and two systems that a reconciliation compares."""

import pytest

from tests.hub.scheduled.reconciliation.world import ReconciliationScenario
from tests.tenants.door import sign_in


@pytest.fixture
def world(make):
    return ReconciliationScenario(make)


@pytest.fixture
def slack_connection(make):
    """A tenant with Slack."""
    return make.connection(make.tenant(), "slack")


@pytest.fixture
def acme(make):
    tenant = make.tenant("acme", time_zone="Europe/Berlin")
    make.membership(tenant, make.user("ann@acme.test"), "owner")
    make.membership(tenant, make.user("bob@acme.test"), "member")
    return tenant


@pytest.fixture
def browser(client, acme):
    sign_in(client, "ann@acme.test")
    return client
