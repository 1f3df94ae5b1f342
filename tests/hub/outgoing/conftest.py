"""A tenant, its shop's client, and the platform's."""

import pytest


@pytest.fixture
def acme(make):
    return make.tenant("acme")


@pytest.fixture
def shop(api, acme):
    return api.of(acme)


@pytest.fixture
def platform(api):
    return api.platform()
