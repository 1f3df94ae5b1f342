"""Complete the remembered writes to records, by the outcomes of their requests."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from connectors.http import parse_date
from connectors.outcomes import Outcome
from hub.outgoing.echo.remember import WriteAnswer, complete_writes
from hub.outgoing.pump.types import RequestResult, SendResult

POSSIBLY_WRITTEN = {"unknown", "pending"}
CLOCK_STEP = timedelta(seconds=1)  # systems state times of changes and answers in whole seconds
CLOCK_DIFFERENCE_MAX = timedelta(minutes=10)  # between a system that states no time and us


def complete_written_records(results: Sequence[RequestResult], *, now: datetime) -> None:
    """Complete the remembered writes that were delivered, and delete those that had no effect.

    A write that created a record gets the id of that record.
    """
    answers: dict[int, WriteAnswer] = {}
    unwritten: set[int] = set()
    for result in results:
        if not result.request.record_writes:
            continue
        if not isinstance(result, SendResult):
            unwritten |= {message.delivery.pk for message in result.request.messages}
            continue
        for message, outcome in zip(result.request.messages, result.outcomes, strict=True):
            if outcome.kind == "delivered":
                answers[message.delivery.pk] = build_write_answer(result, outcome)
            elif outcome.kind not in POSSIBLY_WRITTEN:
                unwritten.add(message.delivery.pk)
    if answers or unwritten:
        complete_writes(answers, unwritten, now=now)


def build_write_answer(result: SendResult, outcome: Outcome) -> WriteAnswer:
    """Return what the answer tells of a write, its time by the system's clock.

    If the record was changed last before the request was sent, the write changed nothing.
    """
    answered_at = parse_date(result.response) if result.response else None
    duration = timedelta(milliseconds=result.milliseconds)
    sent_at = answered_at - duration - CLOCK_STEP if answered_at else None
    period = (sent_at, answered_at + CLOCK_STEP if answered_at else None)
    is_reported = True
    if changed_at := outcome.changed_at:
        period = (changed_at - CLOCK_STEP, changed_at + CLOCK_STEP)
        earliest = sent_at or result.started_at - CLOCK_DIFFERENCE_MAX
        is_reported = changed_at >= earliest - CLOCK_STEP
    return WriteAnswer(outcome.reference, outcome.created, *period, is_reported=is_reported)
