"""Set the networks from which the webhooks of one URL are accepted."""

import getpass
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q

from hub.audit import Actor, ActorContext
from hub.db.clock import clock
from hub.incoming.endpoints.allowed_sources import NetworksRefused, set_allowed_sources
from hub.incoming.models import InboundEndpoint


class Command(BaseCommand):
    help = (
        "Accept the webhooks of one URL from these networks only; without a network, from "
        "everywhere. Requests from other addresses are rejected within a second. Exits with 1 if "
        "there is no such URL, or a network cannot be read."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "id", type=UUID, help="ID of the connection, or of one of its webhook subscriptions."
        )
        parser.add_argument("networks", nargs="*", help="In CIDR notation, such as 203.0.113.0/24.")
        parser.add_argument("--why", required=True, help="Reason for the audit log.")

    def handle(self, *, id: UUID, networks: list[str], why: str, **options: Any) -> None:
        user = getpass.getuser()
        actor = ActorContext(Actor("command", user, f"{user} at a terminal"), is_unrestricted=True)
        matches = Q(connection__public_id=id) | Q(subscriptions__public_id=id)
        endpoint = InboundEndpoint.unscoped.filter(matches).first()
        if endpoint is None:
            raise CommandError(f"No connection or webhook subscription with a URL has the ID {id}.")
        try:
            allowed = set_allowed_sources(endpoint, networks, actor, reason=why, now=clock())
        except NetworksRefused as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Webhooks are accepted from {', '.join(allowed) or 'everywhere'}.")
