"""Tasks that django-q2 calls by dotted name. A lost or repeated wake-up changes latency only."""

import time
from datetime import timedelta

from hub import egress
from hub.connections.credentials.provider_call import Patience
from hub.db.clock import clock
from hub.identities.directory_reads import find_due_reads, read_next_page
from hub.identities.suggest import suggest_after_read
from hub.identities.suggestion_runs import perform_suggestion_run
from hub.processes.pool_pipe import is_stop_requested
from hub.queue import acknowledge_wake_up, report_progress, wake_up

PAGE_PATIENCE = timedelta(seconds=4)  # a page may wait that long for its quotas
RUN_TIME = timedelta(seconds=40)  # of one task; another one goes on


def read_directory(name: str) -> None:
    """Read pages of the directory on the wake-up `directory:17`, until it ends or has to wait."""
    read_id = int(acknowledge_wake_up(name))
    until = clock() + RUN_TIME
    patience = Patience(PAGE_PATIENCE, time.sleep)
    while read_next_page(read_id, call=egress.send_request, now=clock(), patience=patience):
        report_progress()
        if is_stop_requested() or clock() > until:
            break
    if find_due_reads(now=clock()).filter(pk=read_id).exists():
        wake_up(name, now=clock())
    suggest_after_read(read_id, now=clock())


def suggest_pairs(name: str) -> None:
    """Suggest pairs on the wake-up `suggest:17`, as requested by a person or a program."""
    run_id = int(acknowledge_wake_up(name))
    report_progress()
    perform_suggestion_run(run_id, clock=clock)
