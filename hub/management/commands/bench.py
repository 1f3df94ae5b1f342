"""Measure the hub in an environment of its own; print one JSON object a line.

The exit code is 1 if a bar fails.
"""

import signal
import sys
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bench import faults, identities, incoming, outgoing, portal, scheduled, silence
from bench.installation import environments
from bench.installation.processes import python_command, running

SUITES = {
    "outgoing": outgoing,
    "incoming": incoming,
    "scheduled": scheduled,
    "faults": faults,
    "portal": portal,
    "identities": identities,
    "silence": silence,
}
DATABASES = {
    "postgresql": environments.postgresql_environment,
    "sqlite": environments.sqlite_environment,
}
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Command(BaseCommand):
    help = (
        "Run the benchmarks of the hub, on databases that are created for them and deleted "
        "afterwards."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("suite", choices=SUITES)
        parser.add_argument(
            "--only",
            action="append",
            metavar="NAME",
            help="Run only this benchmark; can be repeated.",
        )
        parser.add_argument(
            "--quick",
            action="store_true",
            help=(
                "Use small counts to check that the benchmarks run. Limits are shown, but not "
                "evaluated."
            ),
        )

        parser.add_argument(
            "--long", action="store_true", help="For faults: 200 kills on each database."
        )
        parser.add_argument(
            "--without-outages",
            action="store_true",
            help=(
                "For faults: skip the outages of PostgreSQL, because a server named by "
                "DATABASE_URL is not killed."
            ),
        )
        parser.add_argument(
            "--seed",
            type=int,
            help="For benches that draw their data: other data of the same kind.",
        )
        parser.add_argument("--on", choices=DATABASES, help="Only on this database.")

    def handle(self, *, suite: str, only: list[str] | None, **options: Any) -> None:
        names = only or list(SUITES[suite].BENCHES)
        if unknown := [name for name in names if name not in SUITES[suite].BENCHES]:
            raise CommandError(
                f"{', '.join(unknown)}: choose from {', '.join(SUITES[suite].BENCHES)}"
            )
        refuse_foreign_server(suite, options)
        for number in STOP_SIGNALS:
            signal.signal(number, exit_once)
        grounds = [options["on"]] if options["on"] else DATABASES
        codes = [measure_suite(suite, names, on, build_flags(options)) for on in grounds]
        sys.exit(max(codes))


def refuse_foreign_server(suite: str, options: Mapping[str, Any]) -> None:
    """Raise CommandError if the suite would kill processes of a database server not its own."""
    on_postgresql = options["on"] in (None, "postgresql") and environments.has_database_server()
    if suite == "faults" and on_postgresql and not (options["quick"] or options["without_outages"]):
        raise CommandError(
            "faults kills its PostgreSQL, and DATABASE_URL names a server that is not its own:"
            " unset DATABASE_URL, or pass --without-outages."
        )


def build_flags(options: Mapping[str, Any]) -> list[str]:
    flags = [f"--{name}" for name in ("quick", "long") if options[name]]
    return flags if options["seed"] is None else [*flags, "--seed", str(options["seed"])]


def measure_suite(suite: str, names: list[str], database: str, flags: list[str]) -> int:
    """Return the exit code of the benches that apply to this database."""
    applicable = [name for name in names if database in SUITES[suite].BENCHES[name].DATABASES]
    if not applicable:
        return 0
    command = python_command(
        "bench", suite, *(part for name in applicable for part in ("--only", name)), *flags
    )
    with (
        DATABASES[database]() as environment,
        running(command, environment=environment) as (process,),
    ):
        return int(process.wait())


def exit_once(number: int, frame: object) -> None:
    """Exit on the first stop signal; ignore further ones, so that child processes stop cleanly."""
    for stop_signal in STOP_SIGNALS:
        signal.signal(stop_signal, signal.SIG_IGN)
    raise SystemExit(128 + number)
