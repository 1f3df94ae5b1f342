"""The demo, shown: orders are placed on the running desk, and told step by step what arrived where."""

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError, CommandParser

from connectors.wire import Request, Response
from hub import egress
from hub.clock import clock
from hub.management.commands.load_demo import DEMO_FILE
from hub.management.demo import files
from hub.management.demo.desk import Desk, NotRunning
from hub.management.demo.load import Told
from hub.management.demo.story import Disappointed, Step, Story

PATIENCE = 60.0  # seconds for each wait
LOOK_EVERY = 0.2
MARKS = {"arrived": "SUCCESS", "waited": "SUCCESS", "refused": "WARNING", "fault": "WARNING"}


class Command(BaseCommand):
    help = "Place orders for both customers of the demo on the running desk, and tell what arrived where."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="One JSON object for each step.")
        parser.add_argument("--file", type=Path, default=DEMO_FILE, help="What load_demo told of.")

    def handle(self, *, file: Path, **options: Any) -> None:
        told = files.read(file)
        if told is None:
            raise CommandError(f"There is no {file}: the demo is loaded by script/server, or manage.py load_demo.")
        story = Story(Desk(told, call=way_to(told)), told, self.ticks)
        tell = self.tell_json if options["json"] else self.tell
        try:
            for step in story.tell():
                tell(step)
        except (NotRunning, Disappointed) as error:
            raise CommandError(str(error)) from error
        if not options["json"]:
            self.stdout.write(f"\nSee for yourself: {told['sandbox']}/ and, as staff, {told['hub']}/admin/")

    def tell(self, step: Step) -> None:
        style = getattr(self.style, MARKS.get(step.name, "HTTP_INFO"))
        self.progress("")
        self.stdout.write(f"{style(f'{step.name:8}')} {step.detail}")

    def tell_json(self, step: Step) -> None:
        self.stdout.write(json.dumps({"step": step.name, "detail": step.detail, **step.ids}))

    def ticks(self, awaited: str) -> Iterator[None]:
        began = time.monotonic()
        while (waited := time.monotonic() - began) < PATIENCE:
            yield
            self.progress(f"         waiting for {awaited}, {waited:.0f} s")
            time.sleep(LOOK_EVERY)
        self.progress("")

    def progress(self, text: str) -> None:
        """A line that the next one overwrites; only people see it."""
        if self.stderr.isatty():
            self.stderr.write(f"\r\033[K{text}", style_func=str, ending="")


def way_to(told: Told) -> Callable[[Request], Response]:
    """To the desk's own two addresses, and nowhere else."""
    allow = frozenset(urlsplit(told[name]).netloc for name in ("hub", "sandbox"))
    return partial(egress.call, rules=egress.Rules(allow=allow), clock=clock)
