"""script/test finds a Chromium, installs Debian's, or names the command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "script" / "chromium.py"
INSTALLS = (
    '#!/bin/sh\n[ "$1" = update ] || printf "#!/bin/sh\\n" > "{0}/chromium"\n/bin/chmod +x '
    '"{0}"/*\n'
)
FAILS = "#!/bin/sh\nexit 100\n"


def program(folder, name, text="#!/bin/sh\n"):
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


def ensured(folder):
    """Among the programs of this folder alone."""
    return subprocess.run(
        [sys.executable, SCRIPT], env={"PATH": str(folder)}, capture_output=True, text=True
    )


@pytest.mark.parametrize("name", ["chromium", "chromium-browser", "google-chrome"])
def test_the_installed_one_is_taken(tmp_path, name):
    program(tmp_path, name)
    assert (ensured(tmp_path).returncode, ensured(tmp_path).stdout) == (0, "")


def test_where_there_is_none_the_command_is_named(tmp_path):
    output = ensured(tmp_path)
    assert (
        output.returncode == 1
        and "apt-get install --quiet --yes --no-install-recommends chromium" in output.stderr
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may install")
def test_root_installs_the_package_of_debian(tmp_path):
    program(tmp_path, "apt-get", INSTALLS.format(tmp_path))
    output = ensured(tmp_path)
    assert (output.returncode, output.stderr) == (0, "") and (tmp_path / "chromium").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may install")
def test_an_installation_that_fails_names_the_command_too(tmp_path):
    program(tmp_path, "apt-get", FAILS)
    assert "could not be installed. Look at: apt-get update" in ensured(tmp_path).stderr
