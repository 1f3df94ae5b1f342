"""The review of suggested pairs of people: fifty are confirmed by one click."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from hub.audit import ActorContext
from hub.connections.models import Connection
from hub.db.clock import clock
from hub.identities.directory_reads import find_directory_read
from hub.identities.models import DirectoryRead
from hub.identities.review.decisions import DECISIONS, DECISIONS_MAX, ReviewResult
from hub.identities.review.rows import (
    CONFLICTS,
    PEOPLE_OFFERED,
    QUEUES,
    build_review_rows,
    list_people_offered,
    match_people_named,
    select_queue,
)
from hub.identities.stopped_reads import describe_stopped_list
from hub.identities.suggest import SuggestionCounts, count_suggestions
from hub.identities.suggestion_runs import find_suggestion_run
from hub.mappings.models import Identity
from hub.portal.views.connections.own_connection import ADMIN, get_own_connection
from hub.portal.views.etag import respond_or_reload
from hub.portal.views.identities.list_steps import STEPS, STOPPED_LIST_DECISIONS
from hub.problems import show_refusal
from hub.staff import parse_number
from tenants.access.tenant_users import TenantUser, tenant_view

ROWS_SHOWN = 50
ERRORS_SHOWN = 5
CHOICE_LENGTH = 200
CHOICE_PREFIX = "choice:"  # of the name of a field, before the id of our record

QUEUE_TITLES = {
    Identity.State.SUGGESTED: gettext_lazy("Suggested"),
    Identity.State.AMBIGUOUS: gettext_lazy("Ambiguous"),
    Identity.State.UNMATCHED: gettext_lazy("Unmatched"),
    CONFLICTS: gettext_lazy("Conflicts"),
    Identity.State.IGNORED: gettext_lazy("Ignored"),
}


@dataclass(frozen=True, slots=True)
class QueueTab:
    """A queue of the review, with the number of identities in it."""

    queue: str
    title: str | Promise
    count: int


@require_safe
@tenant_view()
def show_review(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """Show a page of the queue `?queue=`, after the identity `?after=`; `?q=` searches users."""
    connection = get_own_connection(tenant_user, id)
    counts = count_suggestions(connection)
    queue = request.GET.get("queue") or choose_first_queue(counts)
    if queue not in QUEUES:
        raise Http404(queue)
    term, after = request.GET.get("q", "").strip()[:200], request.GET.get("after", "")[:200]
    identities = select_queue(connection, queue).filter(match_people_named(connection, term))
    page = list(identities.filter(local_id__gt=after)[: ROWS_SHOWN + 1])
    parameters = {"queue": queue} | ({"q": term} if term else {})
    needs_choice = queue in (Identity.State.UNMATCHED, CONFLICTS)
    people = list_people_offered(connection) if needs_choice and page else []
    context = {
        "tenant_user": tenant_user,
        "connection": connection,
        "connector": connection.connector,
        "queue": queue,
        "tabs": build_tabs(counts),
        "counts": counts,
        "rows": build_review_rows(connection, page[:ROWS_SHOWN]),
        "people": people,
        "more_people": len(people) == PEOPLE_OFFERED,
        "term": term,
        "older": _build_query(parameters, page[ROWS_SHOWN - 1].local_id)
        if len(page) > ROWS_SHOWN
        else "",
        "newer": _build_query(parameters) if after else "",
        **build_read_context(tenant_user, connection),
    }
    return render(request, "portal/identities/review.html", context)


@require_safe
@tenant_view()
def show_read_progress(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """Render the progress of reads and suggestions; reload the page when all have ended."""
    connection = get_own_connection(tenant_user, id)
    context = {
        "tenant_user": tenant_user,
        "connection": connection,
        "connector": connection.connector,
        **build_read_context(tenant_user, connection),
    }
    response = render(request, "portal/identities/reads.html", context)
    return respond_or_reload(request, response, has_ended=not context["is_working"])


@require_POST
@tenant_view(min_role=ADMIN)
def decide_identities_view(
    request: HttpRequest, tenant_user: TenantUser, id: UUID, verb: str
) -> HttpResponse:
    """Confirm, ignore, ask again for, or keep the selected rows; or read and suggest."""
    connection = get_own_connection(tenant_user, id)
    actor, now = ActorContext.of_visitor(request, tenant_user), clock()
    if verb in DECISIONS:
        _decide(request, connection, verb, actor, now=now)
    elif verb in STEPS:
        _run_list_step(request, STEPS[verb], connection, actor, now=now)
    elif verb in STOPPED_LIST_DECISIONS:
        step = partial(
            STOPPED_LIST_DECISIONS[verb], stopped_count=parse_number(request.POST.get("count", ""))
        )
        _run_list_step(request, step, connection, actor, now=now)
    else:
        raise Http404(verb)
    queue = request.POST.get("queue", "")
    args = [tenant_user.tenant.reference, connection.public_id]
    query = f"?{urlencode({'queue': queue})}" if queue in QUEUES else ""
    return HttpResponseRedirect(reverse("portal:identity_review", args=args) + query)


def choose_first_queue(counts: SuggestionCounts) -> str:
    """Return the queue to begin with: the first that is not empty."""
    return next((tab.queue for tab in build_tabs(counts) if tab.count), Identity.State.SUGGESTED)


def build_tabs(counts: SuggestionCounts) -> list[QueueTab]:
    return [QueueTab(queue, QUEUE_TITLES[queue], getattr(counts, queue)) for queue in QUEUES]


def build_read_context(tenant_user: TenantUser, connection: Connection) -> dict[str, Any]:
    reads: tuple[DirectoryRead | None, ...] = (
        find_directory_read(tenant_user.tenant, connection),
        find_directory_read(tenant_user.tenant, None),
    )
    run = find_suggestion_run(connection)
    is_reading = any(read is not None and read.is_reading for read in reads)
    return {
        "their_read": reads[0],
        "our_read": reads[1],
        "their_stopped_list": describe_stopped_list(reads[0]),
        "our_stopped_list": describe_stopped_list(reads[1]),
        "suggestion_run": run,
        "is_working": is_reading or (run is not None and run.is_open),
    }


def _build_query(parameters: dict[str, str], after: str = "") -> str:
    return f"?{urlencode(parameters | ({'after': after} if after else {}))}"


# --- decisions ------------------------------------------------------------------------------------


def _decide(
    request: HttpRequest, connection: Connection, verb: str, actor: ActorContext, *, now: datetime
) -> None:
    selected = [text.replace("\0", "\ufffd") for text in request.POST.getlist("selected")]
    choices = (
        read_choices(request.POST, selected)
        if verb == "confirm"
        else dict.fromkeys(selected[:DECISIONS_MAX], "")
    )
    if not choices:
        messages.warning(request, _("Select at least one row."))
        return
    _show_result(request, verb, DECISIONS[verb](connection, choices, actor, now=now))


def read_choices(data: QueryDict, selected: Sequence[str]) -> dict[str, str]:
    """Return the record chosen for each selected row, "" for the suggested; a choice selects."""
    chosen = {
        name.removeprefix(CHOICE_PREFIX): _clean_text(data.get(name, ""))
        for name in data
        if name.startswith(CHOICE_PREFIX) and "\0" not in name
    }
    filled = [local_id for local_id, record in chosen.items() if record]
    local_ids = list(dict.fromkeys([*selected, *filled]))[:DECISIONS_MAX]
    return {local_id: chosen.get(local_id, "") for local_id in local_ids}


def _clean_text(text: str) -> str:
    return text.replace("\0", "\ufffd").strip()[:CHOICE_LENGTH]


def _show_result(request: HttpRequest, verb: str, result: ReviewResult) -> None:
    count = len(result.changed)
    if count and verb == "confirm":
        text = ngettext(
            "%(count)d pair is confirmed. What was held for it is sent now.",
            "%(count)d pairs are confirmed. What was held for them is sent now.",
            count,
        )
        messages.success(request, text % {"count": count})
    elif count:
        text = ngettext("%(count)d row is decided.", "%(count)d rows are decided.", count)
        messages.success(request, text % {"count": count})
    for local_id, error in list(result.errors.items())[:ERRORS_SHOWN]:
        messages.error(request, f"{local_id}: {error}")
    if (more := len(result.errors) - ERRORS_SHOWN) > 0:
        text = ngettext("%(count)d more has a problem.", "%(count)d more have a problem.", more)
        messages.error(request, text % {"count": more})


def _run_list_step(
    request: HttpRequest,
    step: Callable[..., str],
    connection: Connection,
    actor: ActorContext,
    *,
    now: datetime,
) -> None:
    with show_refusal(request):
        messages.success(request, step(connection, actor, now=now))
