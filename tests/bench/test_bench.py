"""`manage.py bench`, for its plumbing: it measures, tells, and leaves nothing behind."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from bench.installation.processes import MANAGE, descendants, wait_until
from bench.portal.own_pages import OWN_PAGES, STRANGERS_PAGES
from bench.portal.pages import PAGES
from bench.scheduled.valve import REPAIR_FAILPOINTS
from tests.bench.conftest import WITHIN, told_by

pytestmark = [pytest.mark.desk, pytest.mark.timeout(600)]
# Two chains of about the same length: no more benches than two run at a time.
first_chain = pytest.mark.xdist_group("bench")
second_chain = pytest.mark.xdist_group("bench_incoming")

TOLD = {"name", "value", "unit", "baseline", "ratio", "bar", "holds"}
BENCHES = {
    "postgresql": {
        "drain",
        "drain_quota",
        "scale",
        "slow",
        "quiet",
        "quota",
        "channels",
        "neighbour",
        "accept",
        "claim",
    },
    "sqlite": {"drain", "drain_quota", "channels"},
}
INCOMING_BENCHES = ("receive", "spike", "react", "dedupe", "starve", "echo", "faults_receiving")


@first_chain
@pytest.mark.parametrize("database", BENCHES)
def test_every_bench_tells_its_figures(bench, database):
    figures = told_by(bench("outgoing", "--quick", "--on", database))
    assert [
        bench
        for bench in BENCHES[database]
        if not any(f"{name}_".startswith(f"{bench}_") for name in figures)
    ] == []
    assert all(figure.keys() == TOLD for figure in figures.values())
    assert database == "sqlite" or "accept_delivering" in figures  # corrections, 4.7


@second_chain
@pytest.mark.corrections(item="4.7")
def test_every_bench_of_incoming_tells_its_figures(bench):
    figures = told_by(bench("incoming", "--quick", "--on", "postgresql"))
    assert {
        bench
        for bench in INCOMING_BENCHES
        for name in figures
        if f"{name}_".startswith(f"{bench}_")
    } == set(INCOMING_BENCHES)
    assert all(figure.keys() == TOLD for figure in figures.values())
    assert "receive_processing" in figures  # with the default limits, beside a worker
    for name in ("receive_wrong_ids", "faults_receiving_lost", "faults_receiving_published_twice"):
        assert figures[name]["value"] == 0, name
    assert_each_change_is_written_once(figures)


@second_chain
@pytest.mark.corrections(item="2.1")
def test_no_true_change_is_an_echo_and_no_echo_a_true_change(bench):
    told = told_by(bench("incoming", "--only", "echo", "--quick", "--on", "sqlite", "--seed", "7"))
    figures = {name.removesuffix("_sqlite"): figure for name, figure in told.items()}
    assert_each_change_is_written_once(figures)
    assert figures["echo_changes"]["value"] == 72


@second_chain
def test_no_record_of_a_gap_is_lost_or_doubled_whatever_is_killed(bench):
    told = told_by(bench("faults", "--only", "gaps", "--quick", "--on", "postgresql"))
    figures = {name.removeprefix("faults_gaps_"): entry["value"] for name, entry in told.items()}
    assert figures["kills_at_each_point"] == 1
    for name in ("lost", "doubled", "order_breaks", "reads_by_a_copy", "not_cancelled"):
        assert figures[name] == 0, name


def assert_each_change_is_written_once(figures):
    """The bars hold in the small size, too."""
    names = [name for name in figures if name.startswith("echo_")]
    assert names and [name for name in names if not figures[name]["holds"]] == []


@first_chain
@pytest.mark.corrections(item="4.3")
@pytest.mark.corrections(item="4.4")
@pytest.mark.corrections(item="4.9")
@pytest.mark.parametrize(
    ("suite", "names", "expected"),
    [
        # not night: slots are whole minutes, so two nights take four; nor ship, whose doubles are
        # explained only while nothing else runs
        (
            "scheduled",
            ("slots", "compare", "valve"),
            {
                "slots_missing",
                "compare_second_wrong",
                "valve_deletions_wrong",
                *(f"valve_kills_{failpoint}" for failpoint in REPAIR_FAILPOINTS),
            },
        ),
        ("identities", ("matching",), {"identities_memory"}),
    ],
)
def test_the_benches_of_scheduled_work_and_identities_hold_their_counts(
    bench, suite, names, expected
):
    """One after another on one database. Bars of seconds and rates are not evaluated beside other
    tests; counts are.
    """
    chosen = [word for name in names for word in ("--only", name)]
    figures = told_by(bench(suite, "--quick", *chosen, "--on", "postgresql"))
    assert expected <= figures.keys() and all(entry.keys() == TOLD for entry in figures.values())
    ends = ("== 0", ">= 1")  # nothing is wrong, and something was tried
    counts = [entry for entry in figures.values() if (entry["bar"] or "").endswith(ends)]
    assert [entry["name"] for entry in counts if not entry["holds"]] == []


@first_chain
def test_every_page_is_measured(bench):
    """Which pages of staff there are is a test of tests/bench/test_portal_pages.py."""
    figures = told_by(bench("portal", "--quick"))
    expected = {
        *(f"portal_{name}" for name in [*PAGES, "confirm"]),
        *(f"own_{name}" for name in OWN_PAGES),
        *(f"stranger_{name}" for name in STRANGERS_PAGES),
    }
    staff = {name for name in figures if name.startswith("staff_")}
    assert set(figures) - staff == expected and "staff_outgoing_delivery" in staff
    assert not [figure for figure in figures.values() if "error" in figure]


def test_nothing_is_left_after_ctrl_c(bench_alone):
    process = bench_alone("outgoing", "--quick", "--only", "quiet")
    wait_until(
        lambda: any("work" in command(pid) for pid in descendants(process.pid)),
        within=WITHIN,
        what="the worker",
    )
    there = list(descendants(process.pid))
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=WITHIN)
    wait_until(lambda: not any(alive(pid) for pid in there), within=WITHIN, what="the end of all")
    assert not list(Path("/tmp").glob(f"hub-*-{process.pid}-*"))


def test_a_bench_that_is_not_there_is_named():
    done = subprocess.run(
        [*MANAGE, "bench", "outgoing", "--only", "drian"], capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "drian: choose from drain" in done.stderr


def command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
