"""A connection to Pipedrive with its app."""

import pytest


@pytest.fixture
def pipedrive(make):
    make.app("pipedrive", {"client_id": "id", "client_secret": "a client secret"})
    return make.connection(connector="pipedrive", account="701", secret={"access_token": "p"})
