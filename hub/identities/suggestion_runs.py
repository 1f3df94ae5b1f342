"""Make suggestions requested by a person or program in a worker, and provide the progress.

Matching takes seconds for thousands of people, too long for a web request.
"""

from dataclasses import asdict
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from hub.audit import Actor, ActorContext
from hub.connections.models import Connection
from hub.db.clock import Clock
from hub.identities.models import SuggestionRun
from hub.identities.suggest import suggest_identities
from hub.queue import wake_up

RUN_LEASE = timedelta(minutes=5)  # after which the worker has died, and another one begins again
ATTEMPTS_MAX = 3
WAKE_UP = "suggest"
State = SuggestionRun.State


@transaction.atomic
def request_suggestions(
    connection: Connection, actor: ActorContext, *, now: datetime
) -> SuggestionRun:
    """Request suggestions in the background; if a request is in progress, return it."""
    run, is_new = SuggestionRun.unscoped.select_for_update(of=("self",)).get_or_create(
        connection=connection, defaults={"requested_at": now}
    )
    if is_new or not run.is_open:
        run.state, run.requested_at, run.attempt_count = State.WAITING, now, 0
        run.started_at = run.finished_at = None
        requested = {"request_id": actor.request_id, "ip": actor.ip}
        run.requested_by = {"actor": asdict(actor.actor), **requested}
        run.save()
    wake_up(f"{WAKE_UP}:{run.pk}", now=now)
    return run


def find_suggestion_run(connection: Connection) -> SuggestionRun | None:
    """Return the last request for suggestions of a connection."""
    return SuggestionRun.unscoped.filter(connection=connection).first()


def wake_up_due_suggestions(*, now: datetime) -> None:
    """Wake waiting requests, and those whose worker has died; a step of the sweep."""
    due = SuggestionRun.unscoped.filter(_match_due(now))
    for pk in due.values_list("pk", flat=True):
        wake_up(f"{WAKE_UP}:{pk}", now=now)


def perform_suggestion_run(run_id: int, *, clock: Clock) -> None:
    """Suggest pairs for a due request; of two concurrent tasks only one does.

    A request whose worker died is tried again, ATTEMPTS_MAX times in all.
    """
    now = clock()
    due = SuggestionRun.unscoped.filter(_match_due(now), pk=run_id)
    claim = {"state": State.RUNNING, "started_at": now}
    if not due.update(**claim, attempt_count=F("attempt_count") + 1):
        return
    run = SuggestionRun.unscoped.select_related("connection__tenant").get(pk=run_id)
    if run.attempt_count > ATTEMPTS_MAX:
        _end_run(run, State.FAILED, now=now)
        return
    requested = run.requested_by
    origin = {name: requested[name] for name in ("request_id", "ip")}
    actor = ActorContext(Actor(**requested["actor"]), **origin)
    try:
        suggest_identities(run.connection, actor, now=now)
    except Exception:
        _end_run(run, State.FAILED, now=clock())  # the page says so at once
        raise
    _end_run(run, State.FINISHED, now=clock())


def _match_due(now: datetime) -> Q:
    return Q(state=State.WAITING) | Q(state=State.RUNNING, started_at__lte=now - RUN_LEASE)


def _end_run(run: SuggestionRun, state: str, *, now: datetime) -> None:
    """End the run, unless another task has started it again."""
    own = SuggestionRun.unscoped.filter(pk=run.pk, state=State.RUNNING, started_at=run.started_at)
    own.update(state=state, finished_at=now)
