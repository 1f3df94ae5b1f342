import pytest

from tests.hub.drift.schema_changes import BODY, check, describe, open_findings


@pytest.fixture
def acme(make):
    return make.tenant("acme")


@pytest.fixture
def salesforce(make, acme):
    return make.connection(acme, "salesforce", name="Acme's CRM")


@pytest.fixture
def route(make, acme, salesforce):
    return make.route(
        salesforce,
        action="create",
        mapping=make.mapping(acme, "salesforce", "create", BODY),
        name="Orders to leads",
    )


@pytest.fixture
def baseline(salesforce, route):
    check(salesforce, describe())
    assert open_findings() == []
