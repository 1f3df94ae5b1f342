"""Delete bodies, exchanges and rows that are past their retention, now."""

import json
import sys
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from hub.db.clock import clock
from hub.prune.batches import PRUNED_BEAT, RetentionCutoffs, prune_batches
from hub.queue import record_heartbeat

PAUSE_BETWEEN_BATCHES = 0.05  # seconds between two batches


class Command(BaseCommand):
    help = (
        f"Delete bodies and exchanges older than {settings.HUB_KEEP_BODIES_DAYS} days "
        f"(HUB_KEEP_BODIES_DAYS), and "
        f"ended deliveries and events older than {settings.HUB_KEEP_ROWS_DAYS} "
        f"(HUB_KEEP_ROWS_DAYS). It may be "
        "stopped at any moment and run again; `work` does the same once a day."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="Count what would be deleted, without deleting it.",
        )
        parser.add_argument(
            "--json", action="store_true", help="Print the summary as one JSON object."
        )

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        cuts, deleted = RetentionCutoffs.at(clock()), dict[str, int]()
        for batch in prune_batches(cuts, dry_run=dry_run):
            deleted[batch.table] = deleted.get(batch.table, 0) + batch.deleted_count
            if sys.stderr.isatty():
                self.stderr.write(f"\r{batch.table}: {deleted[batch.table]:,}\033[K", ending="")
            if batch.deleted_count and not dry_run:
                time.sleep(PAUSE_BETWEEN_BATCHES)
        if not dry_run:
            record_heartbeat(PRUNED_BEAT, now=clock())
        if sys.stderr.isatty():
            self.stderr.write("\r\033[K", ending="")
        self.write_summary(deleted, cuts, dry_run, options["json"])

    def write_summary(
        self, deleted: dict[str, int], cuts: RetentionCutoffs, dry_run: bool, as_json: bool
    ) -> None:
        if as_json:
            limits = {
                "bodies_before": cuts.bodies.isoformat(),
                "rows_before": cuts.rows.isoformat(),
            }
            self.stdout.write(json.dumps({"dry_run": dry_run, **limits, "deleted": deleted}))
            return
        for table, rows in deleted.items():
            self.stdout.write(f"{rows:>12,}  {table}{' would be deleted' if dry_run else ''}")
