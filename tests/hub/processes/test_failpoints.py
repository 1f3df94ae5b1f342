"""Fail points: read from one setting, counted, noted, and never in production."""

import subprocess
import sys

import pytest

from hub.processes import failpoints
from hub.processes.failpoints import (
    DONE_FOLDER_NAME,
    FailpointPlan,
    FailpointRaised,
    build_failpoint,
    do_nothing,
    parse_plans,
)


def test_plans_are_read():
    assert parse_plans("O4=kill@3,O6=raise,O8=sleep:0.2@1") == {
        "O4": FailpointPlan("kill", 1.0, 3),
        "O6": FailpointPlan("raise", 1.0, 0),
        "O8": FailpointPlan("sleep", 0.2, 1),
    }


@pytest.mark.parametrize("text", ["O4", "O4=explode", "O4=kill@", "o4=kill", "O4=kill;O5=kill"])
def test_a_plan_that_cannot_be_read_is_no_plan_that_passes(text):
    with pytest.raises(ValueError, match="HUB_FAILPOINTS is wrong"):
        parse_plans(text)


def test_only_the_named_turn_fails():
    reached = build_failpoint({"O6": FailpointPlan("raise", 1.0, 2)})
    reached("O6")
    with pytest.raises(FailpointRaised):
        reached("O6")
    reached("O6")
    reached("O5")


def test_a_kill_is_noted_and_not_done_again(tmp_path):
    kill = "from hub.processes.failpoints import failpoint; failpoint('O4'); failpoint('O4')"
    codes = [
        subprocess.run(
            [sys.executable, "-c", kill],
            env={DONE_FOLDER_NAME: str(tmp_path), "HUB_FAILPOINTS": "O4=kill"},
        ).returncode
        for _ in range(2)
    ]
    assert codes == [-9, 0]
    at, pid = (tmp_path / "O4").read_text().split()
    assert float(at) > 0 and int(pid) > 0


def test_without_the_setting_nothing_is_there():
    assert failpoints.failpoint is do_nothing
    assert failpoints.check_failpoints_unset(None) == []


def test_the_deploy_check_refuses_them():
    check = (
        "from hub.processes.failpoints import check_failpoints_unset as check; "
        "print([error.id for error in check(None)])"
    )
    result = subprocess.run(
        [sys.executable, "-c", check],
        env={"HUB_FAILPOINTS": "O1=kill"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == "['hub.E003']"
