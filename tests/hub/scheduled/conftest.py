"""A tenant with an owner who is signed in, and two systems that a reconciliation compares."""

import pytest

from hub.scheduled.jobs.kinds import JOB_KINDS, JobKind
from hub.scheduled.runs.context import EXECUTORS
from tests.hub.scheduled.reconciliation.world import ReconciliationScenario
from tests.hub.scheduled.run_helpers import ANY_OPTIONS
from tests.tenants.door import sign_in


@pytest.fixture
def world(make):
    return ReconciliationScenario(make)


@pytest.fixture
def run_reports():
    """Let a function execute reports, instead of the product's; `options`: of their jobs."""
    kind, executor = JOB_KINDS["report"], EXECUTORS["report"]

    def replace(function, options=ANY_OPTIONS):
        JOB_KINDS["report"], EXECUTORS["report"] = JobKind(options), function

    yield replace
    JOB_KINDS["report"], EXECUTORS["report"] = kind, executor


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
