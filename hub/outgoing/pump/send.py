"""One call, and what came of it."""

import asyncio
from typing import Protocol

from connectors.http import Request, Response
from connectors.outcomes import later, never, unknown
from hub import egress
from hub.db.clock import Clock
from hub.outgoing.pump.types import LaneBatch, OutboundRequest, SendResult


class Sender(Protocol):
    """The way out. Raises egress.Unsent, egress.Unanswered."""

    async def __call__(self, request: Request) -> Response: ...


async def send_once(
    batch: LaneBatch, request: OutboundRequest, *, send: Sender, clock: Clock
) -> SendResult:
    """One call. It never raises: what went wrong is an outcome too."""
    started_at, loop_time = clock(), asyncio.get_running_loop().time
    loop_started_at = loop_time()
    response, error = None, ""
    try:
        with egress.lookups_for_tenant(batch.connection.tenant_id):
            response = await send(request.http_request)
        outcomes = request.parse_response(response)
    except egress.EgressRefused as refused:
        error, outcomes = (
            refused.reason,
            request.repeat_outcome(never(refused.reason, str(refused))),
        )
    except egress.RequestNotSent as unsent:
        error, outcomes = unsent.reason, request.repeat_outcome(later(unsent.reason, str(unsent)))
    except egress.ResponseNotReceived as unanswered:
        error, outcomes = (
            unanswered.reason,
            request.repeat_outcome(unknown(unanswered.reason, str(unanswered))),
        )
    except Exception as defect:  # ours, in reading the answer: it may have had its effect
        error, outcomes = "defect", request.repeat_outcome(unknown("defect", type(defect).__name__))
    return SendResult(
        batch,
        request,
        outcomes,
        started_at,
        round((loop_time() - loop_started_at) * 1000),
        response,
        error,
    )
