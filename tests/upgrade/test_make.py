"""A fixture is what its commit wrote: it has the migrations of that commit, no more and no
fewer.
"""

import re
import subprocess

import pytest

from tests.upgrade.commits import COMMITS
from tests.upgrade.restore import FIXTURES, PARTS

MIGRATION = re.compile(r"(?:^|/)(\w+)/migrations/(\d{4}\w*)\.py$")
SQLITE_ROW = re.compile(r"""INSERT INTO "django_migrations" VALUES\(\d+,'(\w+)','(\w+)',""")
POSTGRESQL_ROW = re.compile(r"^\s*\(\d+, '(\w+)', '(\d{4}\w*)', '", re.MULTILINE)


def git(*command):
    return subprocess.run(
        ["git", *command], cwd=FIXTURES, capture_output=True, text=True, check=False
    )


def migrations_of(commit):
    """By the app's label, which is the last part of its folder's path."""
    files = git("ls-tree", "-r", "--name-only", "--full-tree", commit).stdout.splitlines()
    return {found.groups() for file in files if (found := MIGRATION.search(file))}


def applied(part, vendor):
    text = (FIXTURES / f"{part}.{vendor}.sql").read_text()
    return set((SQLITE_ROW if vendor == "sqlite" else POSTGRESQL_ROW).findall(text))


def test_every_fixture_has_its_commit():
    assert COMMITS.keys() == set(PARTS)


@pytest.mark.parametrize("vendor", ["sqlite", "postgresql"])
@pytest.mark.parametrize("part", COMMITS)
def test_a_fixture_has_the_migrations_of_its_commit(part, vendor):
    commit = COMMITS[part]
    if git("cat-file", "-e", commit).returncode:
        pytest.skip("this clone does not reach back to that commit")
    expected = migrations_of(commit)
    ours = {app for app, _name in expected}
    assert expected and {row for row in applied(part, vendor) if row[0] in ours} == expected


def test_the_fixture_of_part_2_is_its_last_commit():
    """The next on the main line is the first merge of part 3."""
    following = git(
        "log", "--first-parent", "--reverse", "--format=%s", f"{COMMITS['part2']}..HEAD"
    )
    if following.returncode:
        pytest.skip("this clone does not reach back to that commit")
    assert following.stdout.splitlines()[0] == "Merge branch 'p3-sandbox'"
