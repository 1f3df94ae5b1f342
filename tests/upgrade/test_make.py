"""A fixture is what its commit wrote: it has the migrations of that commit, no more and no fewer;
and the commit of today can make the next one.
"""

import re
import subprocess

import pytest

from tests.upgrade.fill import fill
from tests.upgrade.restore import FIXTURES, RELEASES, counted, list_our_tables

COMMIT = re.compile(r"-- written by commit (\w+)\n")
MIGRATION = re.compile(r"(?:^|/)(\w+)/migrations/(\d{4}\w*)\.py$")
SQLITE_ROW = re.compile(r"""INSERT INTO "django_migrations" VALUES\(\d+,'(\w+)','(\w+)',""")
POSTGRESQL_ROW = re.compile(r"^\s*\(\d+, '(\w+)', '(\d{4}\w*)', '", re.MULTILINE)
REPLACED = {  # see hub/db/old_migrations.py
    ("connections", "0002_breaker_and_switches"),
    ("portal", "0001_saved_views"),
}


def run_git(*command):
    return subprocess.run(
        ["git", *command], cwd=FIXTURES.parent, capture_output=True, text=True, check=False
    )


def list_migrations(commit):
    """By the app's label, which is the last part of its folder's path."""
    files = run_git("ls-tree", "-r", "--name-only", "--full-tree", commit).stdout.splitlines()
    return {found.groups() for file in files if (found := MIGRATION.search(file))}


@pytest.mark.parametrize("vendor", ["sqlite", "postgresql"])
@pytest.mark.parametrize("release", RELEASES)
def test_a_fixture_has_the_migrations_of_its_commit(release, vendor):
    text = (FIXTURES / f"{release}.{vendor}.sql").read_text()
    commit = COMMIT.match(text)[1]
    if run_git("cat-file", "-e", commit).returncode:
        pytest.skip("this clone does not reach back to that commit")
    expected = list_migrations(commit)
    ours = {app for app, _name in expected}
    rows = (SQLITE_ROW if vendor == "sqlite" else POSTGRESQL_ROW).findall(text)
    assert {row for row in rows if row[0] in ours} - REPLACED == expected != set()


@pytest.mark.django_db
def test_the_next_fixture_has_rows_in_every_table_of_ours():
    fill()
    tables, _states = counted()
    assert [name for name in sorted(list_our_tables()) if not tables[name]] == []
