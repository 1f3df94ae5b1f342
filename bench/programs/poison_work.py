"""`python -m bench.programs.poison_work`: `manage.py work`, in which a process ends at a message of
Slack's with the word POISON, as by a defect in a library.
"""

import os
import signal
from collections.abc import Sequence
from typing import Any

import django
from django.core.management import call_command

from connectors.registry import CONNECTORS
from connectors.webhook_request import WebhookRequest
from connectors.webhook_sources import Item

POISON = b"POISON"


def poison_parser(key: str) -> None:
    """Let the parser of a connector's webhooks end its process at the word."""
    source: Any = CONNECTORS[key].webhook_source
    parse = source.parse_items

    def parse_items(request: WebhookRequest, *arguments: Any, **options: Any) -> Sequence[Item]:
        if POISON in request.body:
            os.kill(os.getpid(), signal.SIGKILL)
        items: Sequence[Item] = parse(request, *arguments, **options)
        return items

    source.parse_items = parse_items


if __name__ == "__main__":
    django.setup()
    poison_parser("slack")
    call_command("work")
