"""`script/server` with newer code on an older database: it migrates, keeps every row, and runs."""

import contextlib
import os
import sqlite3

import pytest

from tests.desk.installation import READY
from tests.upgrade.restore import FIXTURES, PARTS

pytestmark = [pytest.mark.desk, pytest.mark.timeout(240)]

KEYS = ("HUB_SECRET_KEY", "HUB_FIELD_KEYS")  # of the tests, under which the fixtures are sealed
KEPT = (
    "tenants_tenant",
    "tenants_user",
    "connections_connection",
    "outgoing_event",
    "outgoing_delivery",
)


class OldInstallation:
    """The folder of a fresh installation, with the database and the keys of an earlier part."""

    def __init__(self, fresh_desk, part):
        self.var = fresh_desk.folder / "var"
        self.var.mkdir(mode=0o700)
        (self.var / "hub.env").write_text("".join(f"{name}={os.environ[name]}\n" for name in KEYS))
        self.ask(script=(FIXTURES / f"{part}.sqlite.sql").read_text())

    def ask(self, question="SELECT 1", script=""):
        with contextlib.closing(sqlite3.connect(self.var / "hub.sqlite3", timeout=20)) as database:
            if script:
                database.executescript(script)
            return database.execute(question).fetchall()

    def counts(self):
        return {table: self.ask(f"SELECT count(*) FROM {table}")[0][0] for table in KEPT}

    def migrations(self):
        return {
            f"{app}.{name}" for app, name in self.ask("SELECT app, name FROM django_migrations")
        }


def upgrade(fresh_desk, part):
    """Start on the database of an earlier part, check that every row is kept, and stop."""
    old = OldInstallation(fresh_desk, part)
    rows, before = old.counts(), old.migrations()
    fresh_desk.start().says(READY)
    assert old.migrations() > before
    assert fresh_desk.manage("migrate", "--check") == ""
    assert {table: count for table, count in old.counts().items() if count < rows[table]} == {}
    fresh_desk.stop()
    assert fresh_desk.process.returncode == 0
    return old


@pytest.mark.parametrize("part", PARTS[:-1])
def test_an_installation_of_an_earlier_part_is_migrated_and_runs(fresh_desk, part):
    upgrade(fresh_desk, part)


def test_an_installation_of_the_last_part_is_migrated_once_and_runs(fresh_desk):
    old = upgrade(fresh_desk, PARTS[-1])
    migrated = old.ask("SELECT count(*), max(id) FROM django_migrations")
    said = fresh_desk.start().says(READY)
    assert (
        "database" in said
        and old.ask("SELECT count(*), max(id) FROM django_migrations") == migrated
    )


def test_a_migration_that_fails_ends_the_start_says_why_and_leaves_the_rows(fresh_desk):
    old = OldInstallation(fresh_desk, PARTS[-1])
    old.ask(
        script="CREATE TABLE connections_quotaqueue (id integer)"
    )  # what a migration is going to make
    rows = old.counts()
    fresh_desk.start()
    said, _ = fresh_desk.process.communicate(timeout=120)
    assert fresh_desk.process.returncode == 1 and fresh_desk.pids() == []
    assert "connections_quotaqueue" in said and "already exists" in said and "This failed" in said
    assert old.counts() == rows


def test_an_older_database_without_its_keys_is_left_alone(fresh_desk):
    old = OldInstallation(fresh_desk, PARTS[-1])
    before = old.migrations()
    (old.var / "hub.env").unlink()
    fresh_desk.start()
    said, _ = fresh_desk.process.communicate(timeout=120)
    assert fresh_desk.process.returncode == 1 and "not var/hub.env with its keys" in said
    assert old.migrations() == before and not (old.var / "hub.env").exists()
