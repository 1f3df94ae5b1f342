"""A connection of the tenant and a delivery to it."""

import pytest


@pytest.fixture
def connection(make, acme):
    return make.connection(acme)


@pytest.fixture
def delivery(make, connection):
    return make.delivery(connection)
