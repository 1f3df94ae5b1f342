"""The page of one connection: how it stands, what it did lately, what it may do, and what a person does about it."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.db.models import Q, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hub import egress
from hub.clock import clock
from hub.connections import checks, maintenance, steer
from hub.connections.backlog import backlog
from hub.connections.disconnect import cancel_what_waits, disconnect
from hub.connections.facts import facts
from hub.connections.life import life_of
from hub.connections.models import Connection
from hub.connections.permissions import held
from hub.connections.probe import BUSY
from hub.connections.queued_tests import INTERRUPTED, failure_of, progress_of, queue_test
from hub.connections.stands import stopping_switches
from hub.notices.models import Notice
from hub.notices.wanted import wanted
from hub.operations.start import Refused
from hub.outgoing import lately
from hub.outgoing.conversions import conversions
from hub.outgoing.erase import erase
from hub.outgoing.models import Delivery, Route
from hub.outgoing.unidentified import named_by
from hub.portal.activity import activity
from hub.portal.forms import DisconnectForm, NameForm, PauseForm
from hub.portal.handed import hand_of
from hub.portal.look import zone_of
from hub.portal.status import status
from hub.states import WrongState
from hub.words import NOTICES, reason_of
from tenants.models import Membership, Tenant
from tenants.visitors import Visitor, asks_again, for_visitors

ADMIN = Membership.Role.ADMIN
LOOKED = 5_000  # of the tenant's newest deliveries, in which the last day of the connection is found
ROUTES_SHOWN, NOTICES_SHOWN = 20, 5
PARTS = (
    ("delivered", "good", gettext_lazy("delivered")),
    ("held", "warn", gettext_lazy("held")),
    ("failed", "bad", gettext_lazy("given up")),
)
FIRST_WAS_SOMEBODY = gettext_lazy("Somebody was first: the state has changed meanwhile. Look again.")


def own_connection(visitor: Visitor, id: UUID) -> Connection:
    """Raises Http404 for another tenant's."""
    rows = Connection.objects.of(visitor.tenant).select_related("lane", "tenant", "credential", "connected_by")
    return get_object_or_404(rows, public_id=id)


def back_to(visitor: Visitor, connection: Connection) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("portal:connection", args=[visitor.tenant.reference, connection.public_id]))


def routes_to(connection: Connection) -> Any:
    """Those that send over it: its own, and those of every connection of its system."""
    meant = Q(connection=connection) | Q(connection=None, connector_key=connection.connector_key)
    return routes_of(connection.tenant).filter(meant)


def routes_of(tenant: Tenant) -> Any:
    return Route.objects.of(tenant).filter(enabled=True).order_by("name", "pk")


class Next(NamedTuple):
    """When something is to happen by itself; None: that is not known, or only an event starts it."""

    sends: datetime | None
    tests: datetime | None
    renews: datetime | None


def next_of(connection: Connection, *, now: datetime) -> Next:
    lane = connection.lane
    works = not (lane.hold_reason or lane.switched_off_by or connection.disconnected)
    sends = lane.due_at if works and lane.due_at and lane.due_at > now else None
    tests = connection.check_at if works and connection.connector.checks_every else None
    return Next(
        sends, tests, getattr(getattr(connection, "credential", None), "refresh_due_at", None) if works else None
    )


def mails_of(visitor: Visitor, connection: Connection) -> dict[str, Any]:
    """What was told of it last; and which mails this person gets, where they have an account."""
    rows = connection.notices.filter(kind__in=NOTICES).order_by("-id")[:NOTICES_SHOWN]
    told: dict[str, Any] = {
        "notices": [(NOTICES[row.kind].label, why(row, connection), row.created_at) for row in rows]
    }
    if visitor.user:
        concerned = visitor.owns or connection.connected_by_id == visitor.user.pk
        membership = Membership.objects.of(visitor.tenant).get(user=visitor.user)
        told |= {"concerned": concerned, "mails": wanted(membership, connection, concerned=concerned)}
    return told


def why(notice: Notice, connection: Connection) -> str:
    return reason_of(notice.reason, system=connection.connector.label).sentence if notice.reason else ""


@require_safe
@for_visitors()
def connection(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    row, now = own_connection(visitor, id), clock()
    every = Delivery.objects.of(visitor.tenant)
    edge = every.order_by("-pk").values("pk")[LOOKED - 1 : LOOKED]
    newest = every.filter(connection=row, pk__gte=Coalesce(Subquery(edge), 0)).order_by()
    found = list(routes_to(row)[: ROUTES_SHOWN + 1])
    routes = found[:ROUTES_SHOWN]
    hours = lately.by_hour(newest.values("pk"), [state for state, _tone, _word in PARTS], now=now)
    context = {
        "visitor": visitor,
        "connection": row,
        "connector": row.connector,
        "environment": row.connector.environment(row.settings.get("environment", "")),
        "seen": status(row, window=maintenance.of(row, now=now), switch=stopping_switches([row]).get(row.pk)),
        "hours": hours,
        "last": newest.filter(state="delivered").order_by("-pk").values_list("state_changed_at", flat=True).first(),
        "parts": [(tone, word) for _state, tone, word in PARTS],
        "totals": [
            (tone, word, sum(hour.counts[place] for hour in hours)) for place, (_s, tone, word) in enumerate(PARTS)
        ],
        "waiting": backlog(row, now=now),
        "permissions": held(row),
        "life": life_of(row, now=now),
        "zone": zone_of(request),
        "next": next_of(row, now=now),
        "more_routes": len(found) > ROUTES_SHOWN,
        "conversions": conversions(routes, row),
        "facts": facts(row),
        "missing": [] if row.disconnected else named_by(routes, row),
        "acts": activity(row),
        **mails_of(visitor, row),
    }
    return render(request, "portal/connection.html", context)


@require_POST
@for_visitors(least=ADMIN)
def test(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    row = own_connection(visitor, id)
    hand, now = hand_of(request, visitor), clock()
    finding = steer.test(row, hand, call=egress.outward, now=now)
    if finding.reason == BUSY and queue_test(row, hand, now=now):
        return HttpResponseRedirect(
            reverse("portal:connection_test_progress", args=[visitor.tenant.reference, row.public_id])
        )
    if finding.lives and row.state == "needs_reconnect":
        words = _("The access token still opens the other system, but no new one can be had: connect it again.")
        messages.warning(request, words)
    elif finding.lives and row.state == "degraded":
        words = _(
            "The test passed, and calls that deliver events still fail: it is healthy again by the first "
            "delivery that arrives."
        )
        messages.warning(request, words)
    elif finding.lives:
        messages.success(request, _("The test passed: the other system answers and accepts the credential."))
    else:
        messages.error(request, _("The test did not pass: %(why)s") % {"why": checks.told(finding)})
    return back_to(visitor, row)


@require_safe
@for_visitors(least=ADMIN)
def test_progress(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    """Of a test that a worker makes; it looks again by itself until there is a result."""
    row = own_connection(visitor, id)
    progress = progress_of(row, now=clock())
    if progress is None:
        return back_to(visitor, row)
    result = progress.get("result")
    failed = result and not result["lives"] and result["reason"] != INTERRUPTED
    context = {"visitor": visitor, "connection": row, "connector": row.connector, "progress": progress}
    context["checks"] = checks.steps(failure_of(result)) if failed else []
    return render(request, "portal/connection_test.html", context)


@require_POST
@for_visitors(least=ADMIN)
def resume(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    row = own_connection(visitor, id)
    try:
        steer.resume(row, hand_of(request, visitor), now=clock())
        if row.state == "needs_reconnect":
            messages.warning(request, _("Its authorization ended meanwhile. Reconnect the account to send what waits."))
        else:
            messages.success(request, _("It is on again: what waited goes out now."))
    except (steer.NotNow, WrongState):
        messages.warning(request, FIRST_WAS_SOMEBODY)
    return back_to(visitor, row)


@require_http_methods(["GET", "POST"])
@for_visitors(least=ADMIN)
def pause(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    row, now = own_connection(visitor, id), clock()
    form = PauseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            reason, until = form.cleaned_data["reason"], form.until(now)
            steer.pause(row, reason, hand_of(request, visitor), until=until, now=now)
            messages.success(request, _("Paused. What arrives meanwhile waits."))
        except WrongState:
            messages.warning(request, FIRST_WAS_SOMEBODY)
        return back_to(visitor, row)
    return render(request, "portal/pause.html", {"visitor": visitor, "connection": row, "form": form})


@require_http_methods(["GET", "POST"])
@for_visitors(least=ADMIN)
def rename(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    row = own_connection(visitor, id)
    form = NameForm(request.POST or None, initial={"name": row.name})
    if request.method == "POST" and form.is_valid():
        steer.rename(row, form.cleaned_data["name"], hand_of(request, visitor), now=clock())
        return back_to(visitor, row)
    return render(request, "portal/rename.html", {"visitor": visitor, "connection": row, "form": form})


@require_http_methods(["GET", "POST"])
@for_visitors(least=ADMIN)
def end(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    """Disconnect, with what follows from it said first."""
    row, now = own_connection(visitor, id), clock()
    form = DisconnectForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        erases = form.cleaned_data["data"] == "erase"
        return (end_and_erase if erases else ended)(request, visitor, row, form)
    routes = list(routes_to(row)[:51])
    context = {
        "visitor": visitor,
        "connection": row,
        "connector": row.connector,
        "form": form,
        "waiting": backlog(row, now=now),
        "routes": routes[:50],
        "more_routes": len(routes) > 50,
    }
    return render(request, "portal/disconnect.html", context)


def ended(request: HttpRequest, visitor: Visitor, row: Connection, form: DisconnectForm) -> HttpResponse:
    hand, now = hand_of(request, visitor), clock()
    try:
        keeps_events = form.cleaned_data["what_waits"] == "hold"
        disconnect(row, hand, reason=form.cleaned_data["reason"], keeps_events=keeps_events, now=now)
    except WrongState:
        messages.warning(request, FIRST_WAS_SOMEBODY)
        return back_to(visitor, row)
    messages.success(request, _("%(name)s is disconnected. Its history stays.") % {"name": row.name})
    if form.cleaned_data["data"] == "erase":
        erase(row, hand, cancel=form.cleaned_data["what_waits"] == "cancel", now=now)
        messages.info(request, _("What was sent over it and answered is being erased, and its identities are gone."))
    elif form.cleaned_data["what_waits"] == "cancel":
        try:
            count = cancel_what_waits(row, hand, now=now)
            told = ngettext(
                "%(count)s waiting delivery is cancelled.", "%(count)s waiting deliveries are cancelled.", count
            )
            messages.info(request, told % {"count": count})
        except Refused as refused:
            messages.warning(request, str(refused))
    return back_to(visitor, row)


end_and_erase = asks_again(ended)
