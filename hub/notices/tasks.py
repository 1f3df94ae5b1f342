"""The task that mails due notices, one by one or in daily mails."""

from datetime import datetime, timedelta

from hub.db.clock import clock
from hub.notices import digest, mailing
from hub.processes import pool_pipe
from hub.queue import acknowledge_wake_up, report_progress, wake_up

# per task run; the sweep wakes the task for the rest
MAX_MAILS, TIME_SLICE = 20, timedelta(seconds=20)


def mail_due_notices(name: str) -> None:
    acknowledge_wake_up(name)
    until = clock() + TIME_SLICE
    for notice in mailing.find_due_notices(now=clock()).select_related("tenant", "connection")[
        :MAX_MAILS
    ]:
        if pool_pipe.is_stop_requested() or clock() > until:
            return
        mailing.mail_notice(notice, now=clock())
        report_progress()
    for hours in digest.find_due_digests(now=clock()).select_related(
        "membership__tenant", "membership__user"
    )[:MAX_MAILS]:
        if pool_pipe.is_stop_requested() or clock() > until:
            return
        digest.mail_digest(hours, now=clock())
        report_progress()


def wake_for_due_notices(*, now: datetime) -> None:
    """Wake the task if reminders or daily mails are due, or a wake-up was lost."""
    if mailing.find_due_notices(now=now).exists() or digest.find_due_digests(now=now).exists():
        wake_up("tell", now=now)
