"""One call, and what came of it."""

import asyncio
from typing import Protocol

from connectors.outcomes import later, never, unknown
from connectors.wire import Request, Response
from hub import egress
from hub.clock import Clock
from hub.outgoing.pump.parcels import Carriage, Journey, Load


class Send(Protocol):
    """The way out. Raises egress.Unsent, egress.Unanswered."""

    async def __call__(self, request: Request) -> Response: ...


async def attempt(load: Load, carriage: Carriage, *, send: Send, clock: Clock) -> Journey:
    """One call. It never raises: what went wrong is an outcome too."""
    began, ticks = clock(), asyncio.get_running_loop().time
    start = ticks()
    response, error = None, ""
    try:
        with egress.lookups_of(load.connection.tenant_id):
            response = await send(carriage.request)
        outcomes = carriage.read(response)
    except egress.Refused as refused:
        error, outcomes = refused.reason, carriage.all(never(refused.reason, str(refused)))
    except egress.Unsent as unsent:
        error, outcomes = unsent.reason, carriage.all(later(unsent.reason, str(unsent)))
    except egress.Unanswered as unanswered:
        error, outcomes = unanswered.reason, carriage.all(unknown(unanswered.reason, str(unanswered)))
    except Exception as defect:  # ours, in reading the answer: it may have had its effect
        error, outcomes = "defect", carriage.all(unknown("defect", type(defect).__name__))
    return Journey(load, carriage, outcomes, began, round((ticks() - start) * 1000), response, error)
