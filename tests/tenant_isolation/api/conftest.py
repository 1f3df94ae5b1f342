"""A tenant that has everything, another one, and the check that a request was refused."""

import json

import pytest

from hub.audit import ActorContext
from hub.connections.actions.kill_switches import switch_off
from hub.connections.models import KillSwitch
from tests.factories import NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.operating import planned
from tests.hub.outgoing.pump.test_loop import pump
from tests.shared_rows import shared_rows
from tests.tenant_isolation.api.routes import BODIES, rows, tells_of, words_of


@pytest.fixture(scope="module")
def acme(django_db_setup, django_db_blocker):
    """Everything that a tenant can have, with a name that is seen nowhere else."""
    with shared_rows(django_db_blocker) as make:
        yield make_acme(make)


def make_acme(make):
    tenant = make.tenant("acme-only", name="Acme only")
    connection = make.connection(tenant, name="only Acme's connection")
    make.route(connection, name="only Acme's route")
    make.identity(connection, "user", "only-ours", "only-theirs")
    make.event(tenant, id="only-acmes-id")
    pump(FakeHttp())
    switch_off(
        KillSwitch(scope="tenant", tenant=tenant, reason="only Acme's reason"),
        ActorContext.system(),
        now=NOON,
    )
    planned("send_again", tenant)
    make.membership(tenant, make.user("ann@only-acme.test"), "owner")
    make.invitation(tenant, "bob@only-acme.test")
    make.connect_link(tenant)
    make.portal_link(tenant)
    make.inbound_item(connection, record="only-acmes-record")
    make.webhook_subscription(connection)
    make.gap(make.source(connection, object="only-acmes-object"), detail="only Acme's gap")
    make.drift_finding(connection, object_label="only Acme's object")
    discrepancy = make.discrepancy(connection, record_key="only-acmes-order")
    make.finished_run(discrepancy.job)
    make.integration(tenant, answers={"channel": "only-acmes-channel"})
    return tenant


@pytest.fixture(scope="module")
def words(acme, django_db_blocker):
    """What no answer to another tenant may contain."""
    with django_db_blocker.unblock():
        return words_of(acme)


@pytest.fixture
def assert_all_refused(words):
    """The answers are among these, tell nothing of the tenant, and nothing was changed."""

    def assert_all_refused(client, methods, url, statuses, body=None):
        before = rows()
        for method in methods:
            response = client.generic(
                method, url, json.dumps(body or BODIES.get(method)), "application/json"
            )
            assert response.status_code in statuses, (method, url, response.status_code)
            assert tells_of(response, words) == []
        assert rows() == before

    return assert_all_refused


@pytest.fixture
def assert_refused(assert_all_refused):
    """The same of one method."""

    def assert_refused(client, method, url, statuses, body=None):
        assert_all_refused(client, [method], url, statuses, body)

    return assert_refused
