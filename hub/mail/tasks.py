"""The task that sends due mails, for TIME_SLICE at most, so that other tasks get the worker."""

from datetime import datetime, timedelta

from django.core.mail import get_connection

from hub.db.clock import clock
from hub.mail.deliver import deliver_due_mails, find_due_mails
from hub.processes.pool_pipe import is_stop_requested
from hub.queue import acknowledge_wake_up, report_progress, wake_up

TIME_SLICE, MAX_MAILS = timedelta(seconds=20), 200


def send_due_mails(name: str) -> None:
    acknowledge_wake_up(name)
    until = clock() + TIME_SLICE

    def may_continue() -> bool:
        report_progress()
        return not is_stop_requested() and clock() < until

    deliver_due_mails(get_connection(), clock=clock, may_continue=may_continue, max_mails=MAX_MAILS)
    wake_for_due_mails(now=clock())


def wake_for_due_mails(*, now: datetime) -> None:
    """Send the wake-up `mail` if mails are due: retries, mails for which the last task had no time,
    and mails whose wake-up was lost.
    """
    if find_due_mails(now=now).exists():
        wake_up("mail", now=now)
