"""What differs between the databases is tested on both."""

from pathlib import Path

import pytest

from tests.conftest import ON_ONE_DATABASE

ROOT = Path(__file__).parent.parent
BRANCHES = [
    str(path.relative_to(ROOT))
    for path in sorted([*ROOT.glob("hub/**/*.py"), *ROOT.glob("tenants/**/*.py")])
    if ".vendor" in path.read_text() and path.parent.name != "migrations"
]


@pytest.mark.parametrize("module", BRANCHES)
def test_a_module_with_a_branch_for_one_database_has_tests_that_run_on_each(module):
    assert not f"tests/{module}".startswith(ON_ONE_DATABASE)


def test_every_folder_that_runs_on_one_database_is_there():
    assert BRANCHES and [path for path in ON_ONE_DATABASE if not (ROOT / path).exists()] == []
