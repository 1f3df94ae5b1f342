"""A Chromium for the journeys by browser: the installed one, else Debian's package where this user
may install it.
"""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")
COMMANDS = (
    ("apt-get", "update", "--quiet"),
    ("apt-get", "install", "--quiet", "--yes", "--no-install-recommends", "chromium"),
)
TOLD = " && ".join(map(" ".join, COMMANDS))


def ensure() -> None:
    """Ends with the command to run where there is none and it may not be installed."""
    if found():
        return
    if os.geteuid() or not shutil.which("apt-get"):
        sys.exit(
            f"The journeys by browser need a Chromium, and there is none. Install it, as root: "
            f"{TOLD}"
        )
    print(f"There is no Chromium: {TOLD}", flush=True)
    calm = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    if any(subprocess.run(command, env=calm).returncode for command in COMMANDS) or not found():
        sys.exit(
            f"The journeys by browser need a Chromium, and it could not be installed. Look at: "
            f"{TOLD}"
        )


def found() -> bool:
    return any(map(shutil.which, NAMES))


if __name__ == "__main__":
    ensure()
