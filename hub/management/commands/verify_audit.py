"""Verify that no row of the audit log was changed or deleted."""

import getpass
import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hub.audit import TOTAL, Actor, ActorContext, verify_all_chains, verify_total
from hub.audit.acceptance import accept_heads
from hub.audit.verification import ExportedHeads, NotAnExport, dump_export, parse_export
from hub.db.clock import clock


class Command(BaseCommand):
    help = (
        "Verify the hash chains of the audit log: one per tenant and one for the platform. "
        "Nothing is changed. Exits with 1 if a row was changed or a row or chain is missing, and "
        "names the first row of each chain. What the owner of the database put back from an older "
        "copy is found with --against only."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="Print the summary as one JSON object."
        )
        parser.add_argument(
            "--export",
            type=Path,
            metavar="FILE",
            help="If all is well, write the last row of each chain to this file. Keep it where "
            "the owner of the database cannot write.",
        )
        parser.add_argument(
            "--against",
            type=Path,
            metavar="FILE",
            help="Verify also that everything is there that an earlier run exported.",
        )
        parser.add_argument(
            "--accept",
            metavar="REASON",
            help="First accept the chains as they end now, where heads were changed outside the "
            "product; each is audited with this reason.",
        )

    def handle(self, **options: Any) -> None:
        exported = read_export(options["against"]) if options["against"] else None
        if options["accept"]:
            self.accept(options["accept"])
        verifications = list(verify_all_chains(exported))
        broken = {each.chain: each.problem for each in verifications if each.problem}
        if problem := verify_total():
            broken[TOTAL] = problem
        chains, rows = len(verifications), sum(each.row_count for each in verifications)
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
        if options["export"]:
            write_export(options["export"], dump_export(verifications))

    def accept(self, reason: str) -> None:
        user = getpass.getuser()
        actor = ActorContext(Actor("command", user, f"{user} at a terminal"), is_unrestricted=True)
        for chain in accept_heads(actor, reason=reason, now=clock()):
            self.stderr.write(f"chain {chain}: its end was accepted")


def read_export(path: Path) -> ExportedHeads:
    try:
        return parse_export(path.read_text())
    except (OSError, NotAnExport, UnicodeDecodeError):
        raise CommandError(f"{path} is not a complete file of --export.") from None


def write_export(path: Path, text: str) -> None:
    """Replace the file as a whole: it may be the one that was verified against."""
    temporary = path.with_name(f"{path.name}.new")
    temporary.write_text(text)
    temporary.replace(path)
