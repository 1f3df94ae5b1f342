"""Every system that is connected by OAuth; nothing may be stored."""

import pytest

from tests.hub.connections.browsers import CLIENTS, count_connections


@pytest.fixture(autouse=True)
def nothing_is_stored(db):
    yield
    assert count_connections() == 0


@pytest.fixture(params=CLIENTS)
def system(request):
    """Each that lets us in by OAuth: security is no choice of a connector's."""
    return request.param
