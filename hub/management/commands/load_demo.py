"""Load the demo once: rows, keys and secrets in the hub, and the same secrets in the sandbox."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from hub.db.clock import clock
from hub.management.demo import json_files
from hub.management.demo.address_update import is_demo_loaded, update_addresses
from hub.management.demo.demo_rows import DemoSummary, load_demo_rows
from hub.management.demo.world import build_world, update_hub_address

DEMO_FILE = settings.BASE_DIR / "var" / "demo.json"


class Command(BaseCommand):
    help = (
        "Load the demo: two customers on the local sandbox, described in var/demo.json. "
        "Running it again only updates addresses to the current ports."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--file", type=Path, default=DEMO_FILE, help="The file to write.")
        parser.add_argument(
            "--world",
            type=Path,
            default=resolve_world_file(),
            help="The data directory of the sandbox.",
        )
        parser.add_argument(
            "--sandbox", default=resolve_sandbox_url(), help="The sandbox's address."
        )

    def handle(self, *, file: Path, world: Path, sandbox: str, **options: Any) -> None:
        if (sandbox_host := urlsplit(sandbox).netloc) not in settings.HUB_EGRESS_ALLOW:
            raise CommandError(
                "The demo is for a local installation: HUB_EGRESS_ALLOW must name the "
                f"sandbox, {sandbox_host}."
            )
        hub, now = settings.HUB_PUBLIC_URL, clock()
        stored_demo = json_files.read_json(file)
        if stored_demo and is_demo_loaded(stored_demo):
            demo = update_addresses(stored_demo, hub_url=hub, sandbox_url=sandbox, now=now)
            self.stdout.write("The demo is already loaded.")
        else:
            secret = os.environ.get("HUB_APP_WEBHOOK_SECRET", "")
            demo = load_demo_rows(
                hub_url=hub, sandbox_url=sandbox, app_secret=secret, random=os.urandom, now=now
            )
            world.unlink(missing_ok=True)  # of another demo, with other secrets
            self.stdout.write(f"The demo has been loaded. Its keys are in {file}.")
        self.write_files(demo, file, world)

    def write_files(self, demo: DemoSummary, file: Path, world: Path) -> None:
        """Write the sandbox's world, then the demo's file, which shows that both are complete."""
        stored_world = json_files.read_json(world)
        json_files.write_json(
            world, update_hub_address(stored_world, demo) if stored_world else build_world(demo)
        )
        json_files.write_json(file, demo)


def resolve_world_file() -> Path:
    state = Path(os.environ.get("HUB_SANDBOX_STATE") or settings.BASE_DIR / "var" / "sandbox")
    return Path(os.environ.get("HUB_SANDBOX_WORLD") or state / "world.json")


def resolve_sandbox_url() -> str:
    """Return the address from HUB_SANDBOX_PORT, otherwise the first address of HUB_EGRESS_ALLOW."""
    if port := os.environ.get("HUB_SANDBOX_PORT"):
        return f"http://127.0.0.1:{port}"
    return f"http://{next(iter(settings.HUB_EGRESS_ALLOW), '127.0.0.1:8100')}"
