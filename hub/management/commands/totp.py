"""Print the authenticator code of the demo's member of staff."""

import time
from pathlib import Path
from typing import Any

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.management.base import BaseCommand, CommandError, CommandParser

from hub.management.commands.load_demo import DEMO_FILE
from hub.management.demo import json_files

PERIOD = 30  # seconds


class Command(BaseCommand):
    help = (
        "Print the current authenticator code of the demo's staff; it works once, for 30 seconds."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--file", type=Path, default=DEMO_FILE, help="The file written by load_demo."
        )

    def handle(self, *, file: Path, **options: Any) -> None:
        secret = (json_files.read_json(file) or {}).get("staff", {}).get("totp_secret")
        if not secret:
            raise CommandError(
                f"{file} contains no second factor. Load the demo again, or use your own app."
            )
        self.stdout.write(format_hotp_value(hotp_value(secret, int(time.time()) // PERIOD)))
