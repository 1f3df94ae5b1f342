"""Confirm that this installation has moved, so that it registers its webhooks under its new URL."""

import getpass
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from hub.audit import Actor, ActorContext
from hub.db.clock import clock
from hub.incoming.registration.installation.address import MoveNotConfirmed, confirm_move


class Command(BaseCommand):
    help = (
        "Confirm that this installation has moved to HUB_PUBLIC_URL, and that none runs at the "
        "former address any more: its webhooks in other systems are then registered again. Do not "
        "use it for a copy beside the original. Exits with 1 if the address has not changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--why", required=True, help="Reason for the audit log.")

    def handle(self, *, why: str, **options: Any) -> None:
        user = getpass.getuser()
        actor = ActorContext(Actor("command", user, f"{user} at a terminal"), is_unrestricted=True)
        try:
            former_url = confirm_move(actor, reason=why, now=clock())
        except MoveNotConfirmed:
            raise CommandError(
                f"Nothing to confirm: webhooks are registered for {settings.HUB_PUBLIC_URL}, or "
                "none has been registered yet."
            ) from None
        self.stdout.write(
            f"Webhooks that were registered for {former_url} are being registered for "
            f"{settings.HUB_PUBLIC_URL}."
        )
