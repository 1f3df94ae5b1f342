"""A connection to a Pipedrive company, and the company."""

import pytest

from tests.hub.incoming.registration.pipedrive_company import OLD_TOKEN, PipedriveCompany
from tests.sandbox.running_sandbox import RunningSandbox


@pytest.fixture
def desk(tmp_path):
    with RunningSandbox(tmp_path).running() as running:
        yield running


@pytest.fixture
def company():
    return PipedriveCompany()


@pytest.fixture
def connection(make):
    connection = make.connection(
        connector="pipedrive",
        account="701",
        secret={"access_token": OLD_TOKEN, "refresh_token": "v1r:test"},
        permissions=["base", "contacts:full", "admin"],
    )
    make.route(
        tenant=connection.tenant,
        event_type="pipedrive.person.*",
        origin_connector_key="pipedrive",
        connector="webhook",
    )
    return connection


@pytest.fixture
def staff(make, client):
    client.force_login(make.staff(is_superuser=True))
    return client
