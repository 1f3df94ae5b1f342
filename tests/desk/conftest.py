"""Installations for a test: fresh ones, and others that have their database already. Places for
workers.
"""

import pytest

from bench.installation import environments
from tests.desk.installation import READY, Installation
from tests.desk.worker_processes import WorkerProcesses


@pytest.fixture
def fresh_desk(tmp_path_factory):
    """What `git clone` gives."""
    desk = Installation(tmp_path_factory.mktemp("desk"))
    yield desk
    desk.end()


another_fresh_desk = fresh_desk


@pytest.fixture
def desk(fresh_desk):
    """One whose database is migrated already: its first start is quick."""
    fresh_desk.migrate()
    return fresh_desk


@pytest.fixture(scope="session")
def running_hub(tmp_path_factory):
    """A local installation with the demo, which tests of the group `docs` share. It logs all that
    it can, so that its log files can be searched for what must not be there.
    """
    installation = Installation(tmp_path_factory.mktemp("docs"))
    installation.migrate()
    installation.start(HUB_DEMO="1", HUB_LOG_LEVEL="DEBUG").says(READY)
    (installation.folder / ".curlrc").write_text("fail-with-body\nshow-error\n")
    yield installation
    installation.end()


def standing(context):
    with context() as environment:
        worker_processes = WorkerProcesses(environment)
        yield worker_processes
        worker_processes.end()


@pytest.fixture
def place():
    yield from standing(environments.sqlite_environment)


@pytest.fixture
def shared_place(postgresql_server, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", postgresql_server)
    yield from standing(environments.postgresql_environment)
