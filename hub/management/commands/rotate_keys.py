"""Reseal all secrets under the newest key of HUB_FIELD_KEYS while the hub runs."""

import json
import sys
import time
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hub.crypto.rotation import count_sealed_rows, reseal_all

# seconds between two batches, in which other processes use the database
PAUSE_BETWEEN_BATCHES = 0.02


class Command(BaseCommand):
    help = (
        "Re-encrypt all stored secrets with the first key of HUB_FIELD_KEYS. Web processes "
        "and workers can keep running; they must have been started with that key. The "
        "command can be stopped at any time and run again. Exits with 1 if a secret could "
        "not be decrypted, and names it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="Count what would be re-encrypted, without changing it.",
        )
        parser.add_argument(
            "--json", action="store_true", help="Print the summary as one JSON object."
        )

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        looked_at, done, unreadable = self.reseal_all(dry_run=dry_run)
        # sealed meanwhile by a process with the old keys
        remaining = (
            0 if dry_run else sum(batch.resealed_count for batch in reseal_all(dry_run=True))
        )
        summary = {
            "dry_run": dry_run,
            "looked_at": looked_at,
            "resealed": dict(done),
            "unreadable": unreadable,
            "left": remaining,
        }
        self.stdout.write(json.dumps(summary) if options["json"] else self.format_summary(summary))
        if unreadable or remaining:
            raise CommandError(
                "Keep the old keys: not all secrets are encrypted with the newest one."
            )

    def reseal_all(self, *, dry_run: bool) -> tuple[int, Counter[str], list[str]]:
        total, looked_at, done, unreadable = count_sealed_rows(), 0, Counter[str](), list[str]()
        for batch in reseal_all(dry_run=dry_run):
            looked_at += batch.rows_read
            done[batch.column_name] += batch.resealed_count
            unreadable += [f"{batch.column_name} of row {pk}" for pk in batch.unreadable]
            self.show_progress(looked_at, total)
            if batch.resealed_count and not dry_run:
                time.sleep(PAUSE_BETWEEN_BATCHES)
        if sys.stderr.isatty():
            self.stderr.write("\r\033[K", ending="")
        return looked_at, done, unreadable

    def show_progress(self, looked_at: int, total: int) -> None:
        if sys.stderr.isatty():
            bar = "#" * (25 * looked_at // max(1, total))
            self.stderr.write(f"\r[{bar:25}] {looked_at:,} of {total:,}", ending="")

    def format_summary(self, summary: dict[str, Any]) -> str:
        suffix = " would be re-encrypted" if summary["dry_run"] else " re-encrypted"
        lines = [f"{rows:>10,}  {place}{suffix}" for place, rows in summary["resealed"].items()]
        lines += [f"cannot be decrypted: {name}" for name in summary["unreadable"]]
        if summary["left"]:
            lines.append(
                f"{summary['left']:,} were encrypted with an older key in the meantime. "
                "Restart the still runs with it."
            )
        elif not summary["dry_run"] and not summary["unreadable"]:
            lines.append(
                "All secrets are encrypted with the newest key. The older keys can be "
                "removed from HUB_FIELD_KEYS."
            )
        return "\n".join(lines)
