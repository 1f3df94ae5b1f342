"""Look up known vulnerabilities of all locked packages.

A package that is not audited fails, unless `script/not_audited.toml` says until when it may be, and
why. Where `CI` is not set, it is only named.
"""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

COMMAND = ["-m", "pip_audit", "-r", "requirements-dev.lock", "--require-hashes", "--disable-pip"]
OUTPUT = ["--format", "json", "--progress-spinner", "off"]
EXCUSED = Path(__file__).with_name("not_audited.toml")
UNREACHABLE = "not audited: no index with known vulnerabilities is reachable"
EVERY_PACKAGE = "*"  # the entry for machines that reach no such index


def main() -> None:
    done = subprocess.run(
        [sys.executable, *COMMAND, *OUTPUT], capture_output=True, text=True, check=False
    )
    excused = tomllib.loads(EXCUSED.read_text())
    today, is_ci = datetime.now(UTC).date(), bool(os.environ.get("CI"))
    message, code = judge(done.stdout, excused, today=today, is_ci=is_ci)
    print(message)
    sys.exit(code)


def judge(
    report: str, excused: Mapping[str, Mapping[str, Any]], *, today: date, is_ci: bool
) -> tuple[str, int]:
    """Return a message and the exit code for pip-audit's JSON; empty where it reached no index.

    `excused` has `until` (a date) and `reason` of each package that need not be audited, or of
    EVERY_PACKAGE.
    """
    is_failed = is_ci and not is_excused({"name": EVERY_PACKAGE}, excused, today)
    try:
        packages = json.loads(report)["dependencies"]
    except ValueError:
        return UNREACHABLE, int(is_failed)
    audited = [package for package in packages if "skip_reason" not in package]
    vulnerable = [package for package in audited if package["vulns"]]
    skipped = [package for package in packages if "skip_reason" in package]
    missed = [package for package in skipped if not is_excused(package, excused, today)]
    if vulnerable or (missed and audited):
        lines = [*map(describe, vulnerable), *map(describe_skipped, missed)]
        return "\n".join(lines), int(is_ci or bool(vulnerable))
    if missed:
        return UNREACHABLE, int(is_failed)
    return f"{len(audited)} of {len(packages)} packages audited: no known vulnerability", 0


def is_excused(
    package: Mapping[str, Any], excused: Mapping[str, Mapping[str, Any]], today: date
) -> bool:
    return package["name"] in excused and today <= excused[package["name"]]["until"]


def describe_skipped(package: Mapping[str, Any]) -> str:
    return f"{package['name']}: not audited: {package['skip_reason']}"


def describe(package: dict[str, Any]) -> str:
    ids = ", ".join(vulnerability["id"] for vulnerability in package["vulns"])
    return f"{package['name']} {package['version']}: {ids}"


if __name__ == "__main__":
    main()
