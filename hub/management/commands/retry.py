"""Retry stopped deliveries by the operation of the admin and of REST, run in this process."""

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
from hub.audit import Actor, ActorContext
from hub.db.clock import clock
from hub.operations import operation_actions
from hub.operations.models import Operation
from hub.operations.operation_runner import run_operation
from hub.outgoing.operations import planning
from hub.outgoing.operations.estimate import OperationEstimate
from hub.problems import Refusal
from tenants.models import Tenant

TIME_SPAN = re.compile(r"([0-9]{1,6})(m|h|d)", re.ASCII)
UNITS = {"m": "minutes", "h": "hours", "d": "days"}
PAUSE_BETWEEN_BATCHES = 0.02  # seconds between two batches


class Command(BaseCommand):
    help = (
        "Retry failed, held and cancelled deliveries: show the plan, ask for confirmation, "
        "then run it. If it is interrupted, `work` finishes it. Exits with 1 if it was "
        "refused or did not finish."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since",
            type=parse_time_argument,
            required=True,
            help="Accepted since this time: 30m, 6h, 2d, or an ISO time.",
        )
        parser.add_argument(
            "--stopped-since", type=parse_time_argument, help="Stopped since this time."
        )
        parser.add_argument("--state", choices=("failed", "held", "cancelled"))
        parser.add_argument("--tenant", help="Reference of the tenant. Omitted: all tenants.")
        parser.add_argument("--connector", choices=sorted(CONNECTORS))
        parser.add_argument("--reason", help="Reason code of the deliveries.")
        parser.add_argument(
            "--why", help="Reason for the audit log. Required unless --dry-run is given."
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="Show the plan without changing anything."
        )
        parser.add_argument("--yes", action="store_true", help="Do not ask for confirmation.")
        parser.add_argument(
            "--json",
            action="store_true",
            help="Print the plan and the summary as JSON, one object per line.",
        )

    def handle(self, **options: Any) -> None:
        tenant = find_tenant_argument(options["tenant"])
        filter = {name: options[name] for name in ("state", "connector", "reason") if options[name]}
        filter |= {
            name: options[name].isoformat() for name in ("since", "stopped_since") if options[name]
        }
        if options["dry_run"]:
            plan = planning.preview_operation(
                "retry", filter, tenant=tenant, includes_platform=True, now=clock()
            )
            self.write_plan(plan, options)
            return
        if not options["why"]:
            raise CommandError("Give a reason with --why. It is kept in the audit log.")
        actor = ActorContext(
            Actor("command", getpass.getuser(), f"{getpass.getuser()} at a terminal"),
            is_unrestricted=True,
        )
        operation = planning.plan_operation(
            "retry", filter, tenant=tenant, reason=options["why"], actor=actor, now=clock()
        )
        self.write_plan(
            OperationEstimate(operation.count, operation.more, 0, 0, operation.plan), options
        )
        if operation.count:
            self.confirm(operation, actor, options)

    def confirm(self, operation: Operation, actor: ActorContext, options: dict[str, Any]) -> None:
        if not options["yes"] and input("Run it? [y/N] ").strip().lower() not in ("y", "yes"):
            operation_actions.cancel_operation(operation, actor, now=clock())
            raise CommandError("Cancelled.")
        try:
            operation_actions.confirm_operation(operation, actor, now=clock())
        except Refusal as error:
            raise CommandError(str(error)) from None
        while run_operation(
            operation.pk,
            clock=clock,
            pause_between=lambda: self.pause_and_show_progress(operation),
            stopping=lambda: False,
        ):
            pass
        operation.refresh_from_db()
        self.write_summary(operation, options)

    def pause_and_show_progress(self, operation: Operation) -> None:
        if sys.stderr.isatty():
            operation.refresh_from_db()
            bar = "#" * (operation.percent // 4)
            self.stderr.write(
                f"\r[{bar:25}] {operation.examined_count:,} of {operation.count:,}", ending=""
            )
        time.sleep(PAUSE_BETWEEN_BATCHES)

    def write_plan(self, plan: OperationEstimate, options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps({"count": plan.count, "more": plan.more, **plan.facts}))
            return
        facts = plan.facts
        more = "more than " if plan.more else ""
        self.stdout.write(
            f"{more}{plan.count:,} deliveries of {facts['tenants']:,} tenants would be retried."
        )
        if plan.count:
            self.stdout.write(
                f"The oldest was accepted at {facts['oldest']}; sending takes {facts['seconds']} "
                f"s at most."
            )
            self.stdout.write(
                f"{facts['possibly_delivered']:,} may have arrived before; {facts['doubles']:,} "
                f"may appear twice."
            )
        for entry in facts["connections"]:
            self.stdout.write(
                f"{entry['rows']:>9,}  {entry['name']} ({entry['connector']}, {entry['tenant']})"
            )

    def write_summary(self, operation: Operation, options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps({"id": str(operation.public_id), **operation.counts()}))
        else:
            left_out = f", {operation.excluded_count:,} skipped" if operation.excluded_count else ""
            counts = f"{operation.processed_count:,} of {operation.count:,}"
            self.stdout.write(f"\n{operation.state}: {counts}{left_out}.")
        if operation.state != "finished":
            raise CommandError(operation.detail or f"The operation is {operation.state}.")


def parse_time_argument(text: str) -> datetime:
    """Parse a duration before now (30m, 6h, 2d) or an ISO time, in UTC if it has no offset."""
    if span := TIME_SPAN.fullmatch(text):
        return clock() - timedelta(**{UNITS[span[2]]: int(span[1])})
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither 30m, 6h, 2d nor an ISO time"
        ) from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def find_tenant_argument(reference: str | None) -> Tenant | None:
    if reference is None:
        return None
    tenant = Tenant.objects.filter(reference=reference).first()
    if tenant is None:
        raise CommandError(f"No tenant has the reference {reference}.")
    return tenant
