"""Installations for a test: fresh ones, and others that have their database already."""

import pytest

from tests.desk.installation import Installation


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


@pytest.fixture
def another_desk(another_fresh_desk):
    return another_fresh_desk
