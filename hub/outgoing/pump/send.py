"""Send one request, and return the outcome of each message."""

import asyncio

from hub import egress
from hub.connections.calls.failures import classify_failure
from hub.db.clock import Clock
from hub.egress.sender import Sender
from hub.outgoing.pump.types import LaneBatch, NotSent, ScheduledRequest, SendResult


async def send_once(
    batch: LaneBatch,
    scheduled: ScheduledRequest,
    *,
    send: Sender,
    clock: Clock,
) -> SendResult | NotSent:
    """Send a request once, and return its outcomes.

    Never raises: each failure is an outcome, *unknown* if the request may have arrived.
    """
    request, loop_time = scheduled.request, asyncio.get_running_loop().time
    started_at, loop_started_at = clock(), loop_time()
    response, error = None, ""
    try:
        response = await send(request.http_request)
        outcomes = request.parse_response(response)
    except egress.RequestWithdrawn:
        return NotSent(batch, request)
    except Exception as failure:
        outcome = classify_failure(failure)
        error, outcomes = outcome.reason, request.repeat_outcome(outcome)
    milliseconds = round((loop_time() - loop_started_at) * 1000)
    return SendResult(
        batch, request, outcomes, started_at, milliseconds, response, error, scheduled.probed_at
    )
