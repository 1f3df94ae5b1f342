"""Seal everything anew under the newest key of HUB_FIELD_KEYS, while the hub works."""

import json
import sys
import time
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hub.reseal import count, reseal

BREATH = 0.02  # seconds between two batches, in which others get at the database


class Command(BaseCommand):
    help = (
        "Seal every stored secret anew under the first key of HUB_FIELD_KEYS. Web and workers go on meanwhile; they "
        "must have been started with that key. It may be stopped at any moment and run again. Exits 1 where "
        "something could not be opened, and says what."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Count what would be sealed anew, change nothing.")
        parser.add_argument("--json", action="store_true", help="The summary as one JSON object.")

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        looked_at, done, unreadable = self.walk(dry=dry_run)
        left = 0 if dry_run else sum(batch.resealed for batch in reseal(dry=True))  # sealed meanwhile by an old process
        summary = {
            "dry_run": dry_run,
            "looked_at": looked_at,
            "resealed": dict(done),
            "unreadable": unreadable,
            "left": left,
        }
        self.stdout.write(json.dumps(summary) if options["json"] else self.told(summary))
        if unreadable or left:
            raise CommandError("Keep the old keys: not everything is under the newest one.")

    def walk(self, *, dry: bool) -> tuple[int, Counter[str], list[str]]:
        total, looked_at, done, unreadable = count(), 0, Counter[str](), list[str]()
        for batch in reseal(dry=dry):
            looked_at += batch.looked_at
            done[batch.place] += batch.resealed
            unreadable += [f"{batch.place} of row {pk}" for pk in batch.unreadable]
            self.show(looked_at, total)
            if batch.resealed and not dry:
                time.sleep(BREATH)
        if sys.stderr.isatty():
            self.stderr.write("\r\033[K", ending="")
        return looked_at, done, unreadable

    def show(self, looked_at: int, total: int) -> None:
        if sys.stderr.isatty():
            bar = "#" * (25 * looked_at // max(1, total))
            self.stderr.write(f"\r[{bar:25}] {looked_at:,} of {total:,}", ending="")

    def told(self, summary: dict[str, Any]) -> str:
        would = " would be sealed anew" if summary["dry_run"] else " sealed anew"
        lines = [f"{rows:>10,}  {place}{would}" for place, rows in summary["resealed"].items()]
        lines += [f"cannot be opened: {name}" for name in summary["unreadable"]]
        if summary["left"]:
            lines.append(
                f"{summary['left']:,} were sealed under an older key meanwhile: restart what still runs with it."
            )
        elif not summary["dry_run"] and not summary["unreadable"]:
            lines.append("Everything is under the newest key: the older ones may go from HUB_FIELD_KEYS.")
        return "\n".join(lines)
