"""Retry what stopped, from a terminal: the same operation as in the admin and by REST, run here and now."""

import argparse
import getpass
import json
import re
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from connectors.registry import CONNECTORS
from hub.audit import Actor
from hub.clock import clock
from hub.operations import start
from hub.operations.models import Operation
from hub.operations.run import run
from hub.operations.start import Hand, Refused
from hub.outgoing import bulk
from hub.outgoing.forecast import Forecast
from hub.states import WrongState
from tenants.models import Tenant

SPAN = re.compile(r"([0-9]{1,6})(m|h|d)", re.ASCII)
UNITS = {"m": "minutes", "h": "hours", "d": "days"}
BREATH = 0.02  # seconds between two batches


class Command(BaseCommand):
    help = (
        "Retry failed, held and cancelled deliveries: shows the plan, asks, then runs it. Stopped in the middle, it is "
        "finished by `work`. Exits 1 where it was refused or did not finish."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", type=moment, required=True, help="Accepted since: 30m, 6h, 2d, or an ISO time.")
        parser.add_argument("--stopped-since", type=moment, help="Stopped since then.")
        parser.add_argument("--state", choices=("failed", "held", "cancelled"))
        parser.add_argument("--tenant", help="Its reference; left out: all tenants.")
        parser.add_argument("--connector", choices=sorted(CONNECTORS))
        parser.add_argument("--reason", help="The reason code that they stopped for.")
        parser.add_argument("--why", help="For the audit; needed unless it is a dry run.")
        parser.add_argument("--dry-run", action="store_true", help="Show the plan, and change nothing.")
        parser.add_argument("--yes", action="store_true", help="Do not ask.")
        parser.add_argument("--json", action="store_true", help="Plan and summary as JSON, one object a line.")

    def handle(self, **options: Any) -> None:
        tenant = tenant_of(options["tenant"])
        filter = {name: options[name] for name in ("state", "connector", "reason") if options[name]}
        filter |= {name: options[name].isoformat() for name in ("since", "stopped_since") if options[name]}
        if options["dry_run"]:
            plan = bulk.foresee("retry", filter, tenant=tenant, includes_platform=True, now=clock())
            self.tell_plan(plan, options)
            return
        if not options["why"]:
            raise CommandError("Say --why you do this; it is kept in the audit.")
        hand = Hand(Actor("command", getpass.getuser(), f"{getpass.getuser()} at a terminal"), everywhere=True)
        operation = bulk.plan("retry", filter, tenant=tenant, reason=options["why"], hand=hand, now=clock())
        self.tell_plan(Forecast(operation.count, operation.more, 0, 0, operation.plan), options)
        if operation.count:
            self.confirm(operation, hand, options)

    def confirm(self, operation: Operation, hand: Hand, options: dict[str, Any]) -> None:
        if not options["yes"] and input("Run it? [y/N] ").strip().lower() not in ("y", "yes"):
            start.cancel(operation, hand, now=clock())
            raise CommandError("Not run.")
        try:
            start.confirm(operation, hand, now=clock())
        except (Refused, WrongState) as refused:
            raise CommandError(str(refused)) from None
        while run(operation.pk, clock=clock, rest=lambda: self.rest(operation), stopping=lambda: False):
            pass
        operation.refresh_from_db()
        self.tell_summary(operation, options)

    def rest(self, operation: Operation) -> None:
        if sys.stderr.isatty():
            operation.refresh_from_db()
            bar = "#" * (operation.percent // 4)
            self.stderr.write(f"\r[{bar:25}] {operation.looked_at:,} of {operation.count:,}", ending="")
        time.sleep(BREATH)

    def tell_plan(self, plan: Forecast, options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps({"count": plan.count, "more": plan.more, **plan.facts}))
            return
        facts = plan.facts
        more = "more than " if plan.more else ""
        self.stdout.write(f"{more}{plan.count:,} deliveries of {facts['tenants']:,} tenants would go again.")
        if plan.count:
            self.stdout.write(
                f"The oldest was accepted at {facts['oldest']}; sending takes {facts['seconds']} s at most."
            )
            self.stdout.write(
                f"{facts['possibly_delivered']:,} may have arrived before; {facts['doubles']:,} may be seen twice."
            )
        for entry in facts["connections"]:
            self.stdout.write(f"{entry['rows']:>9,}  {entry['name']} ({entry['connector']}, {entry['tenant']})")

    def tell_summary(self, operation: Operation, options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps({"id": str(operation.public_id), **operation.counts()}))
        else:
            left_out = f", {operation.excluded_count:,} left out" if operation.excluded_count else ""
            self.stdout.write(f"\n{operation.state}: {operation.processed_count:,} of {operation.count:,}{left_out}.")
        if operation.state != "finished":
            raise CommandError(operation.detail or f"The operation is {operation.state}.")


def moment(text: str) -> datetime:
    """Ago, as 30m, 6h or 2d; or a time in ISO, in UTC where it names no offset."""
    if span := SPAN.fullmatch(text):
        return clock() - timedelta(**{UNITS[span[2]]: int(span[1])})
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither 30m, 6h, 2d nor an ISO time") from None
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def tenant_of(reference: str | None) -> Tenant | None:
    if reference is None:
        return None
    tenant = Tenant.objects.filter(reference=reference).first()
    if tenant is None:
        raise CommandError(f"No tenant has the reference {reference}.")
    return tenant
