"""Complete the remembered writes to records, by the outcomes of their requests."""

from collections.abc import Sequence
from datetime import datetime

from hub.outgoing.echo.remember import complete_writes
from hub.outgoing.pump.types import RequestResult, SendResult

POSSIBLY_WRITTEN = {"unknown", "pending"}


def complete_written_records(results: Sequence[RequestResult], *, now: datetime) -> None:
    """Complete the remembered writes that were delivered, and delete those that had no effect.

    A write that created a record gets the id of that record.
    """
    references: dict[int, str] = {}
    unwritten: set[int] = set()
    for result in results:
        if not result.request.is_remembered:
            continue
        if not isinstance(result, SendResult):
            unwritten |= {message.delivery.pk for message in result.request.messages}
            continue
        for message, outcome in zip(result.request.messages, result.outcomes, strict=True):
            if outcome.kind == "delivered":
                references[message.delivery.pk] = outcome.reference
            elif outcome.kind not in POSSIBLY_WRITTEN:
                unwritten.add(message.delivery.pk)
    if references or unwritten:
        complete_writes(references, unwritten, now=now)
