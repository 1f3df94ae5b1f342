"""Verify that no row of the audit log was changed or deleted."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hub.audit import verify_all_chains


class Command(BaseCommand):
    help = (
        "Verify the hash chains of the audit log: one per tenant and one for the platform. "
        "Nothing is changed. Exits with 1 if a row was changed or is missing, and names "
        "the first one of each chain."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="Print the summary as one JSON object."
        )

    def handle(self, **options: Any) -> None:
        chains, rows, broken = 0, 0, {}
        for verification in verify_all_chains():
            chains, rows = chains + 1, rows + verification.row_count
            if verification.problem:
                broken[verification.chain] = verification.problem
        if options["json"]:
            self.stdout.write(json.dumps({"chains": chains, "rows": rows, "broken": broken}))
        else:
            self.stdout.write(f"{rows:,} rows in {chains:,} chains were verified.")
            for chain, problem in broken.items():
                self.stdout.write(f"chain {chain}: {problem}")
        if broken:
            raise CommandError(
                "The audit log has been tampered with, or it was restored without its last rows."
            )
