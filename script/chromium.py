"""A Chromium for the browser tests: the installed one, otherwise root installs Debian's package."""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")
INSTALL_COMMANDS = (
    ("apt-get", "update", "--quiet"),
    ("apt-get", "install", "--quiet", "--yes", "--no-install-recommends", "chromium"),
)
INSTALL_COMMAND = " && ".join(map(" ".join, INSTALL_COMMANDS))


def ensure_installed() -> None:
    """Install a Chromium where there is none; exit with the command if this user may not."""
    if is_installed():
        return
    if os.geteuid() or not shutil.which("apt-get"):
        sys.exit(
            f"The journeys by browser need a Chromium, and there is none. Install it, as root: "
            f"{INSTALL_COMMAND}"
        )
    print(f"There is no Chromium: {INSTALL_COMMAND}", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    if (
        any(subprocess.run(command, env=environment).returncode for command in INSTALL_COMMANDS)
        or not is_installed()
    ):
        sys.exit(
            f"The journeys by browser need a Chromium, and it could not be installed. Look at: "
            f"{INSTALL_COMMAND}"
        )


def is_installed() -> bool:
    return any(map(shutil.which, NAMES))


if __name__ == "__main__":
    ensure_installed()
