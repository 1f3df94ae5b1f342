"""A tenant that has connected what recipes need."""

import pytest


@pytest.fixture
def acme(make):
    tenant = make.tenant("acme")
    make.connection(tenant, "slack")
    make.connection(tenant, "salesforce")
    return tenant
