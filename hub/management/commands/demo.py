"""Show the demo: place orders on the local installation and print what arrived where."""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError, CommandParser

from connectors.http import Request, Response
from hub import egress
from hub.db.clock import clock
from hub.management.commands.load_demo import DEMO_FILE
from hub.management.demo import json_files
from hub.management.demo.demo_rows import DemoSummary
from hub.management.demo.gap_scenarios import GapScenarios
from hub.management.demo.incoming_scenarios import (
    IncomingScenarios,
    ScenarioFailed,
    ScenarioResult,
)
from hub.management.demo.installation_client import InstallationClient, InstallationNotRunning
from hub.management.demo.scenario_table import (
    ScenarioRow,
    describe_evidence,
    find_row,
    format_table,
)
from hub.management.demo.scheduled_scenarios import ScheduledScenarios
from hub.management.demo.story import DemoFailed, DemoStep, Story

WAIT_LIMIT = 90.0  # seconds for each wait; what is read of a gap settles for 30 s
POLL_INTERVAL = 0.2
STEP_STYLES = {
    "arrived": "SUCCESS",
    "waited": "SUCCESS",
    "repaired": "SUCCESS",
    "fetched": "SUCCESS",
    "refused": "WARNING",
    "fault": "WARNING",
}


class Command(BaseCommand):
    help = (
        "Place orders for both demo customers on the running local installation, let things "
        "happen in their systems, and show what arrived where."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON object per step.")
        parser.add_argument(
            "--file", type=Path, default=DEMO_FILE, help="The file written by load_demo."
        )

    def handle(self, *, file: Path, **options: Any) -> None:
        demo = json_files.read_json(file)
        if demo is None:
            raise CommandError(
                f"There is no {file}: the demo is loaded by script/server, or manage.py load_demo."
            )
        installation = InstallationClient(demo, call=build_call(demo))
        story = Story(installation, demo, self.poll_until_timeout)
        incoming = IncomingScenarios(installation, demo, self.poll_until_timeout)
        scheduled = ScheduledScenarios(installation, demo, self.poll_until_timeout, clock())
        gaps = GapScenarios(installation, demo, self.poll_until_timeout)
        write_step = self.write_step_json if options["json"] else self.write_step
        rows: list[ScenarioRow] = []
        began_at = time.monotonic()
        steps: Iterator[DemoStep | ScenarioResult] = chain(
            story.run(), incoming.run(), scheduled.run(), gaps.run()
        )
        try:
            for step in steps:
                write_step(step)
                seconds = time.monotonic() - began_at
                if row := find_row(step, seconds):
                    rows.append(row)
                if step.name not in ("arrived", "refused") or isinstance(step, ScenarioResult):
                    began_at = time.monotonic()
        except (InstallationNotRunning, DemoFailed, ScenarioFailed) as error:
            raise CommandError(str(error)) from error
        if not options["json"]:
            self.stdout.write("")
            for line in format_table(rows):
                self.stdout.write(line)
            self.stdout.write(
                f"\nSee for yourself: {demo['sandbox']}/ and, as staff, {demo['hub']}/admin/"
            )

    def write_step(self, step: DemoStep | ScenarioResult) -> None:
        style = getattr(self.style, STEP_STYLES.get(step.name, "HTTP_INFO"))
        self.show_progress("")
        evidence = describe_evidence(step.evidence) if isinstance(step, ScenarioResult) else ""
        detail = f"{step.detail}: {evidence}" if evidence else step.detail
        self.stdout.write(f"{style(f'{step.name:8}')} {detail}")

    def write_step_json(self, step: DemoStep | ScenarioResult) -> None:
        self.stdout.write(json.dumps({"step": step.name, "detail": step.detail, **step.evidence}))

    def poll_until_timeout(self, awaited: str) -> Iterator[None]:
        started_at = time.monotonic()
        while (elapsed := time.monotonic() - started_at) < WAIT_LIMIT:
            yield
            self.show_progress(f"         waiting for {awaited}, {elapsed:.0f} s")
            time.sleep(POLL_INTERVAL)
        self.show_progress("")

    def show_progress(self, text: str) -> None:
        """Print a line that the next one overwrites, on a terminal only."""
        if self.stderr.isatty():
            self.stderr.write(f"\r\033[K{text}", style_func=str, ending="")


def build_call(demo: DemoSummary) -> Callable[[Request], Response]:
    """Build a sender of requests that may reach only the installation's hub and sandbox."""
    allow = frozenset(urlsplit(demo[name]).netloc for name in ("hub", "sandbox"))
    return partial(egress.send_guarded, rules=egress.EgressRules(allow=allow), clock=clock)
