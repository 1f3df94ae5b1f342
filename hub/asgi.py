"""ASGI application, served by `granian --interface asgi hub.asgi:application`.

It does not start if HUB_FIELD_KEYS do not open what the database contains.
"""

import os

from django.core.wsgi import get_wsgi_application
from django.db import connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")
django = get_wsgi_application()

from django.conf import settings  # noqa: E402

# all pages are loaded now, so that the first request does not wait for them
import hub.urls  # noqa: E402, F401
from hub.asgi_bridge import AsgiBridge, Limits, raise_file_limit  # noqa: E402
from hub.asgi_bridge.short_chain import ShortChainHandler, route_by_path  # noqa: E402
from hub.crypto.sealed import check_keys  # noqa: E402
from hub.db.clock import clock  # noqa: E402
from hub.incoming.api.webhook_route import WebhookRoute  # noqa: E402
from hub.incoming.receiving.refused_answers import REFUSED_ANSWERS  # noqa: E402
from hub.incoming.registration.installation.outages import note_web_heartbeat  # noqa: E402
from hub.processes import memory  # noqa: E402 - Django has just made everything below ready
from hub.sweep import start_sweep_thread  # noqa: E402

check_keys()
connections.close_all()  # the threads that serve requests have their own
start_sweep_thread(clock, note_web_heartbeat)
limits = Limits(body_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
chains = {path: ShortChainHandler(chain) for path, chain in settings.HUB_SHORT_CHAINS.items()}
wsgi = route_by_path(chains, django)


def note_answer(path: str, status: int, seconds: float, *, is_refusal: bool) -> None:
    """Count a webhook that was refused, also one that no view received."""
    REFUSED_ANSWERS.count(path, status, seconds, is_refusal=is_refusal, at=clock())


application = AsgiBridge(
    wsgi,
    behind_proxy=settings.HUB_BEHIND_TLS_PROXY,
    limits=limits,
    deadline_path=settings.HUB_WEBHOOK_PATH,
    on_answer=note_answer,
    loop_routes=[WebhookRoute(answer_seconds=limits.webhook_answer_seconds)],
)
raise_file_limit()
memory.freeze_heap()
