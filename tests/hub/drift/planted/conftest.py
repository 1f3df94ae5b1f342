"""A sandbox whose schemas change, and routes that use them."""

import pytest

from tests.hub.drift.planted.changes import CONTACT, DEAL, FIELDS, LEVEL, PERSON, TOTAL
from tests.hub.scheduled.sandbox_run import ORG, SECRETS
from tests.sandbox.running_sandbox import RunningSandbox


@pytest.fixture
def desk(tmp_path):
    with RunningSandbox(tmp_path).running() as desk:
        desk.world(
            salesforce=[{"org": ORG, "fields": {"Contact": [LEVEL], "Order": [LEVEL, TOTAL]}}],
            pipedrive=[{"company": "701", "custom_fields": {"deals": FIELDS, "persons": PERSON}}],
        )
        yield desk


@pytest.fixture
def salesforce(make, desk):
    settings = {"instance_url": f"{desk.url}/salesforce/{ORG}"}
    connection = make.connection(
        connector="salesforce", secret=SECRETS["salesforce"], settings=settings
    )
    make.route(connection, action="create", body=CONTACT, name="Orders to contacts")
    return connection


@pytest.fixture
def pipedrive(make, desk):
    settings = {"api_domain": f"{desk.url}/pipedrive/acme"}
    connection = make.connection(
        connector="pipedrive", secret=SECRETS["pipedrive"], settings=settings
    )
    make.route(connection, action="create_deal", body=DEAL, name="Orders to deals")
    return connection


@pytest.fixture
def orders(make, salesforce):
    """Events of orders in Salesforce, of which a filter and a mapping read fields."""
    return make.route(
        tenant=salesforce.tenant,
        connector="webhook",
        name="Gold orders",
        filter="data.record.Level__c == 'Gold'",
        body={"title": "truncate(text(data.record.Name), `80`)"},
        event_type="salesforce.order.created",
        origin_connector_key="salesforce",
    )
