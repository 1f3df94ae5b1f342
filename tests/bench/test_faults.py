"""The benches of faults in small: with nothing beside them, as that of kills judges within a
second. What judges none has a test in test_bench.py: `gaps`, and `receiving` on PostgreSQL.
"""

import pytest

from tests.bench.conftest import told_by

pytestmark = [pytest.mark.desk, pytest.mark.timeout(600)]


def test_nothing_acknowledged_is_lost_over_three_kills_on_each_database(bench_alone):
    figures = told_by(bench_alone("faults", "--only", "kills", "--quick"))
    for name in (
        "lost",
        "unexplained_sends",
        "extra_sends_without_a_kill",
        "not_delivered",
        "orphans",
    ):
        assert [figures[f"faults_{name}{on}"]["value"] for on in ("", "_sqlite")] == [0, 0], name


def test_no_acknowledged_webhook_is_lost_between_kills_on_sqlite(bench_alone):
    chosen = ("--only", "receiving", "--on", "sqlite")
    figures = told_by(bench_alone("faults", *chosen, "--quick"))
    for name in ("lost", "published_twice"):
        assert figures[f"faults_receiving_{name}_sqlite"]["value"] == 0, name
