"""`script/server` installs what is missing, once, and begins anew where it was interrupted."""

import hashlib
import os
import stat
import subprocess
import sys

import pytest

from tests.desk.installation import READY, ROOT, shell
from tests.desk.wheels import borrow_packages, make_wheel

pytestmark = [pytest.mark.desk, pytest.mark.timeout(240)]

INSTALL = """
import subprocess, local_environment
def run(command, environment):
    print("ran", command[2])
    subprocess.run(command, env=environment, check=True)
print("changed", local_environment.install("requirements.txt", run=run))
"""


class Clone:
    """The part of a clone that installs, with requirements of its own."""

    def __init__(self, folder):
        self.folder, self.venv = folder / "clone", folder / "venv"
        (self.folder / "script").mkdir(parents=True)
        (self.folder / "script" / "local_environment.py").write_text(
            (ROOT / "script" / "local_environment.py").read_text()
        )

    def requires(self, version):
        wheel = make_wheel(self.folder, "tiny", version, {"tiny.py": f"version = {version!r}\n"})
        (self.folder / "requirements.txt").write_text(f"{wheel}\n")
        return self

    def install(self):
        environment = shell() | {
            "HUB_VENV": str(self.venv),
            "PYTHONPATH": str(self.folder / "script"),
        }
        command = [sys.executable, "-c", INSTALL]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return done.stdout.split() if done.returncode == 0 else done.stderr

    @property
    def version(self):
        command = [self.venv / "bin" / "python", "-c", "import tiny; print(tiny.version)"]
        return subprocess.run(
            command, capture_output=True, text=True, check=True, cwd="/"
        ).stdout.strip()


def require(folder, wheel):
    """Replace the requirements of a clone, and its lock, by one wheel."""
    (folder / "requirements.txt").write_text(f"{wheel}\n")
    (folder / "requirements.lock").unlink()


@pytest.fixture
def clone(tmp_path):
    return Clone(tmp_path)


def test_packages_are_installed_once_and_again_when_the_requirements_change(clone):
    assert clone.requires("1.0").install() == ["ran", "venv", "ran", "pip", "changed", "True"]
    assert clone.version == "1.0"
    assert clone.install() == ["changed", "False"]
    assert clone.requires("2.0").install()[-1] == "True"
    assert clone.version == "2.0"


def test_the_hashes_of_a_lock_file_are_checked(clone):
    clone.requires("1.0")
    wheel = clone.folder / "tiny-1.0-py3-none-any.whl"
    lock = clone.folder / "requirements.lock"
    lock.write_text(f"{wheel} --hash=sha256:{'0' * 64}\n")
    assert "returned non-zero exit status" in clone.install()
    lock.write_text(f"{wheel} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    assert clone.install()[-1] == "True" and clone.version == "1.0"


def test_an_installation_that_failed_begins_anew(clone):
    (clone.folder / "requirements.txt").write_text(f"{clone.folder}/missing-1.0-py3-none-any.whl\n")
    assert "returned non-zero exit status" in clone.install()
    left = clone.venv / "left-by-the-first"
    left.touch()
    assert clone.requires("1.0").install()[-1] == "True"
    assert clone.version == "1.0" and not left.exists()


def test_packages_are_installed_anew_for_another_python_or_a_folder_that_moved(clone):
    clone.requires("1.0").install()
    os.rename(clone.venv, clone.folder / "moved")
    clone.venv = clone.folder / "moved"
    assert clone.install()[-1] == "True" and clone.version == "1.0"


def test_a_fresh_clone_installs_makes_its_database_and_is_ready(fresh_desk, tmp_path):
    require(fresh_desk.folder, borrow_packages(tmp_path))
    output = fresh_desk.start(HUB_VENV=str(tmp_path / "venv")).says(READY)
    assert fresh_desk.has(f"{tmp_path}/venv/bin/python")
    assert [step for step in ("packages", "database", "processes") if step not in output] == []
    database = fresh_desk.folder / "var" / "hub.sqlite3"
    assert stat.S_IMODE(database.stat().st_mode) == 0o600
    fresh_desk.stop()
    installed = (fresh_desk.folder / "var" / "log" / "prepare.log").stat().st_size
    fresh_desk.start(HUB_VENV=str(tmp_path / "venv")).says(READY)
    assert (fresh_desk.folder / "var" / "log" / "prepare.log").stat().st_size == installed


def test_packages_that_cannot_be_had_end_the_start_with_pips_own_words(fresh_desk, tmp_path):
    require(fresh_desk.folder, "/nowhere/missing-1.0-py3-none-any.whl")
    fresh_desk.start(HUB_VENV=str(tmp_path / "venv"))
    said, _ = fresh_desk.process.communicate(timeout=120)
    assert fresh_desk.process.returncode == 1 and fresh_desk.pids() == []
    assert "missing-1.0" in said and "This failed" in said
