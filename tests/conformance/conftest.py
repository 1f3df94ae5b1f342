import pytest

from tests.sandbox.desk import Desk


@pytest.fixture
def desk(tmp_path):
    with Desk(tmp_path).running() as running:
        yield running
