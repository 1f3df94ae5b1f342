"""`script/server` with newer code on an older database: it migrates, keeps every row, and runs."""

import contextlib
import os
import sqlite3

import pytest

from tests.desk.installation import READY
from tests.upgrade.restore import FIXTURES, RELEASES

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
    """The folder of a fresh installation, with the database and the keys of an earlier release."""

    def __init__(self, fresh_desk, release):
        self.var = fresh_desk.folder / "var"
        self.var.mkdir(mode=0o700)
        (self.var / "hub.env").write_text("".join(f"{name}={os.environ[name]}\n" for name in KEYS))
        self.ask(script=(FIXTURES / f"{release}.sqlite.sql").read_text())

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


def upgrade(fresh_desk, release):
    """Start on the database of an earlier release, check that every row is kept, and stop."""
    old = OldInstallation(fresh_desk, release)
    rows, before = old.counts(), old.migrations()
    fresh_desk.start().says(READY)
    assert old.migrations() >= before
    assert fresh_desk.manage("migrate", "--check") == ""
    assert {table: count for table, count in old.counts().items() if count < rows[table]} == {}
    fresh_desk.stop()
    assert fresh_desk.process.returncode == 0
    return old


@pytest.mark.parametrize("release", RELEASES[:-1])
def test_an_installation_of_an_earlier_release_is_migrated_and_runs(fresh_desk, release):
    upgrade(fresh_desk, release)


@pytest.mark.parametrize("release", RELEASES[-1:])
def test_an_installation_of_the_last_release_is_migrated_once_and_runs(fresh_desk, release):
    old = upgrade(fresh_desk, release)
    migrated = old.ask("SELECT count(*), max(id) FROM django_migrations")
    output = fresh_desk.start().says(READY)
    assert (
        "database" in output
        and old.ask("SELECT count(*), max(id) FROM django_migrations") == migrated
    )


@pytest.mark.parametrize("release", RELEASES[-1:])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        # a migration makes what is there
        (
            "DELETE FROM django_migrations WHERE app = 'schemas'",
            "already exists",
        ),
        (
            "INSERT INTO django_migrations (app, name, applied)"
            " VALUES ('hub', '0002_audit_is_append_only', '2026-11-25')",
            "last migrated by an early version of the hub, without 14 of its migrations",
        ),
    ],
    ids=["a migration fails", "a database of the time before the migrations began anew"],
)
def test_what_cannot_be_migrated_ends_the_start_says_why_and_keeps_the_rows(
    fresh_desk, release, change, said
):
    old = OldInstallation(fresh_desk, release)
    old.ask(script=change)
    rows = old.counts()
    fresh_desk.start()
    text, _ = fresh_desk.process.communicate(timeout=120)
    assert fresh_desk.process.returncode == 1 and fresh_desk.pids() == []
    assert said in " ".join(text.split()) and "This failed" in text
    assert old.counts() == rows


@pytest.mark.parametrize("release", RELEASES[-1:])
def test_an_older_database_without_its_keys_is_left_alone(fresh_desk, release):
    old = OldInstallation(fresh_desk, release)
    before = old.migrations()
    (old.var / "hub.env").unlink()
    fresh_desk.start()
    said, _ = fresh_desk.process.communicate(timeout=120)
    assert fresh_desk.process.returncode == 1 and "not var/hub.env with its keys" in said
    assert old.migrations() == before and not (old.var / "hub.env").exists()
