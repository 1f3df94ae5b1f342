"""A connection to Slack with its app."""

import pytest


@pytest.fixture
def slack(make):
    make.app("slack", {"client_id": "id", "client_secret": "a client secret"})
    return make.connection(connector="slack", account="T1")
