"""The demo, loaded once: rows, keys and secrets here, the same secrets in the sandbox's world."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from hub.clock import clock
from hub.management.demo import files
from hub.management.demo.follow import follow, stands
from hub.management.demo.load import Told, load
from hub.management.demo.world import heard, world_of

DEMO_FILE = settings.BASE_DIR / "var" / "demo.json"


class Command(BaseCommand):
    help = (
        "Load the demo: two customers on the desk's sandbox, told in var/demo.json. Run again it changes nothing, "
        "but lets addresses follow the ports."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--file", type=Path, default=DEMO_FILE, help="Where to tell of it.")
        parser.add_argument("--world", type=Path, default=world_file(), help="The sandbox's world.")
        parser.add_argument("--sandbox", default=sandbox_url(), help="The sandbox's address.")

    def handle(self, *, file: Path, world: Path, sandbox: str, **options: Any) -> None:
        if (place := urlsplit(sandbox).netloc) not in settings.HUB_EGRESS_ALLOW:
            raise CommandError(f"The demo is for a desk: HUB_EGRESS_ALLOW must name the sandbox, {place}.")
        hub, now = settings.HUB_PUBLIC_URL, clock()
        told = files.read(file)
        if told and stands(told):
            there = follow(told, hub=hub, sandbox=sandbox, now=now)
            self.stdout.write("The demo is there already.")
        else:
            secret = os.environ.get("HUB_APP_WEBHOOK_SECRET", "")
            there = load(hub=hub, sandbox=sandbox, app_secret=secret, random=os.urandom, now=now)
            world.unlink(missing_ok=True)  # of another demo, with other secrets
            self.stdout.write(f"The demo is loaded; its keys are in {file}.")
        self.tell(there, file, world)

    def tell(self, told: Told, file: Path, world: Path) -> None:
        """The world first: once the demo is told of, it is whole."""
        old = files.read(world)
        files.write(world, heard(old, told) if old else world_of(told))
        files.write(file, told)


def world_file() -> Path:
    state = Path(os.environ.get("HUB_SANDBOX_STATE") or settings.BASE_DIR / "var" / "sandbox")
    return Path(os.environ.get("HUB_SANDBOX_WORLD") or state / "world.json")


def sandbox_url() -> str:
    """As script/server says, otherwise the first address that this desk may reach."""
    if port := os.environ.get("HUB_SANDBOX_PORT"):
        return f"http://127.0.0.1:{port}"
    return f"http://{next(iter(settings.HUB_EGRESS_ALLOW), '127.0.0.1:8100')}"
