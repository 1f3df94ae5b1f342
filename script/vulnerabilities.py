"""Look up known vulnerabilities of all locked packages; without an index, say so and pass."""

import json
import subprocess
import sys
from typing import Any

COMMAND = ["-m", "pip_audit", "-r", "requirements-dev.lock", "--require-hashes", "--disable-pip"]
OUTPUT = ["--format", "json", "--progress-spinner", "off"]
UNREACHABLE = "not audited: no index with known vulnerabilities is reachable"


def main() -> None:
    done = subprocess.run(
        [sys.executable, *COMMAND, *OUTPUT], capture_output=True, text=True, check=False
    )
    message, code = judge(done.stdout)
    print(message)
    sys.exit(code)


def judge(report: str) -> tuple[str, int]:
    """Return a message and the exit code for pip-audit's JSON; empty where it reached no index."""
    try:
        packages = json.loads(report)["dependencies"]
    except ValueError:
        return UNREACHABLE, 0
    audited = [package for package in packages if "skip_reason" not in package]
    vulnerable = [package for package in audited if package["vulns"]]
    if not audited:
        return UNREACHABLE, 0
    if vulnerable:
        return "\n".join(map(describe, vulnerable)), 1
    return f"{len(audited)} of {len(packages)} packages audited: no known vulnerability", 0


def describe(package: dict[str, Any]) -> str:
    ids = ", ".join(vulnerability["id"] for vulnerability in package["vulns"])
    return f"{package['name']} {package['version']}: {ids}"


if __name__ == "__main__":
    main()
