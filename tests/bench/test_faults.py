"""The bench of faults in small: with nothing beside it, as it judges within a second."""

import pytest

from tests.bench.conftest import told_by

# gaps judges no seconds, and has a test beside others
BENCHES = ("kills", "suspects", "hang", "receiving")
pytestmark = [pytest.mark.desk, pytest.mark.timeout(600)]


def test_nothing_acknowledged_is_lost_over_three_kills_on_each_database(bench_alone):
    chosen = [word for name in BENCHES for word in ("--only", name)]
    figures = told_by(bench_alone("faults", "--quick", *chosen))
    for name in (
        "lost",
        "unexplained_sends",
        "extra_sends_without_a_kill",
        "not_delivered",
        "orphans",
    ):
        assert [figures[f"faults_{name}{on}"]["value"] for on in ("", "_sqlite")] == [0, 0], name
