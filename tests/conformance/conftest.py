import pytest

from tests.sandbox.running_sandbox import RunningSandbox


@pytest.fixture
def desk(tmp_path):
    with RunningSandbox(tmp_path).running() as running:
        yield running
