"""What is done on the page of an own endpoint: its events and filter, its secret, a test, what it missed."""

import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hub.clock import clock
from hub.connections import own_headers, signing, steer
from hub.connections.models import Connection
from hub.outgoing import bulk
from hub.outgoing.examples import known_types
from hub.outgoing.subscribe import ReachedAlready, send_test, subscribe, ways_of
from hub.portal.endpoints.forms import PACE, ConditionForm, EventsForm, HeadersForm, PaceForm, SinceForm
from hub.portal.endpoints.match import matches_of
from hub.portal.handed import hand_of
from hub.portal.views.acts import note
from hub.portal.views.endpoints import ADMIN, address, found, page_of
from hub.secrets import CannotOpen
from tenants.visitors import Visitor, asks_again, for_visitors


def back(visitor: Visitor, endpoint: Connection) -> HttpResponse:
    return HttpResponseRedirect(address("portal:endpoint", visitor, endpoint))


# --- which events ----------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@for_visitors(least=ADMIN)
def events(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    """The types and the filter; *Try it* shows how the filter does, and saves nothing."""
    endpoint = found(visitor, id)
    ways = ways_of(endpoint)
    said, more = with_condition(request)
    form = EventsForm(
        said, known=known_types(visitor.tenant), shared=ways.shared, chosen=ways.patterns,
        initial={"filter": ways.filter},
    )  # fmt: skip
    context = {"visitor": visitor, "endpoint": endpoint, "form": form, "ways": ways, "more": more}
    if request.method == "POST" and form.is_valid():
        if not {"try", "add"} & request.POST.keys() and chosen(request, visitor, endpoint, form):
            return back(visitor, endpoint)
        context["matches"] = matches_of(visitor.tenant, form.patterns, form.cleaned_data.get("filter", ""))
    elif request.method != "POST":
        context["matches"] = matches_of(visitor.tenant, ways.patterns, ways.filter)
    return render(request, "portal/endpoints/events.html", context)


def with_condition(request: HttpRequest) -> tuple[Any, ConditionForm]:
    """What was filled in, its filter with the condition that was to be added; and the form for the next one."""
    if "add" not in request.POST:
        return request.POST or None, ConditionForm()
    said, more = request.POST.copy(), ConditionForm(request.POST)
    if not more.is_valid():
        return said, more
    try:
        said["filter"] = more.written(said.get("filter", ""))
    except ValueError as wrong:
        more.add_error(None, str(wrong))
        return said, more
    return said, ConditionForm()


def chosen(request: HttpRequest, visitor: Visitor, endpoint: Connection, form: EventsForm) -> bool:
    now, filter = clock(), form.cleaned_data["filter"]
    before = ways_of(endpoint)
    try:
        with transaction.atomic():
            patterns = subscribe(endpoint, form.patterns, filter=filter, by=visitor.user, now=now)
            told = {
                "before": {"types": before.patterns, "filter": before.filter},
                "after": {"types": patterns, "filter": filter},
            }
            note(request, visitor, "endpoint.events", endpoint, now=now, **told)
    except ReachedAlready as clash:
        form.add_error("types", str(clash))
        return False
    messages.success(request, _("Saved. It holds for events from now on."))
    return True


@require_safe
@for_visitors(least=ADMIN)
def match(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    """The same while a person types."""
    endpoint = found(visitor, id)
    form = EventsForm(request.GET, known=known_types(visitor.tenant), shared=ways_of(endpoint).shared)
    context: dict[str, Any] = {"visitor": visitor}
    if form.is_valid():
        context["matches"] = matches_of(visitor.tenant, form.patterns, form.cleaned_data["filter"])
    else:
        context["trouble"] = " ".join(form.errors.get("filter", form.errors.get("others", ())))
    return render(request, "portal/endpoints/matches.html", context)


# --- the secret ------------------------------------------------------------------------------------------------------


@require_POST
@never_cache
@for_visitors(least=ADMIN)
@asks_again
@sensitive_variables()
def reveal(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    endpoint, now = found(visitor, id), clock()
    try:
        secret = signing.signing_of(endpoint, now=now).secret
    except CannotOpen:
        messages.error(request, _("The stored secret does not open. Change it."))
        return back(visitor, endpoint)
    note(request, visitor, "endpoint.reveal", endpoint, now=now)
    return page_of(request, visitor, endpoint, secret=secret)


@require_POST
@never_cache
@for_visitors(least=ADMIN)
@asks_again
@sensitive_variables()
def rotate(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    endpoint, now = found(visitor, id), clock()
    try:
        with transaction.atomic():
            secret = signing.rotate(endpoint, random=secrets.token_bytes, now=now)
            note(request, visitor, "endpoint.rotate", endpoint, now=now, after={"overlap_until": now + signing.OVERLAP})
    except (signing.TooManyAtOnce, CannotOpen, KeyError):
        messages.warning(request, _("It was changed too often in one day. End the overlap, or wait for it."))
        return back(visitor, endpoint)
    return page_of(request, visitor, found(visitor, id), secret=secret)


@require_POST
@for_visitors(least=ADMIN)
@asks_again
def end_overlap(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    endpoint, now = found(visitor, id), clock()
    with transaction.atomic():
        signing.end_overlap(endpoint, now=now)
        note(request, visitor, "endpoint.end_overlap", endpoint, now=now)
    messages.success(request, _("Only the new secret signs now."))
    return back(visitor, endpoint)


# --- how it is called ------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters()
@for_visitors(least=ADMIN)
@sensitive_variables()
def headers(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    endpoint = found(visitor, id)
    names = own_headers.names(endpoint)
    form = HeadersForm(request.POST or None, names=names)
    if request.method == "POST" and form.is_valid():
        try:
            drop = form.cleaned_data.get("drop", ())
            steer.change_headers(endpoint, form.put, drop, hand_of(request, visitor), now=clock())
        except (ValueError, CannotOpen) as wrong:
            form.add_error(None, str(wrong))
        else:
            messages.success(request, _("Saved. It holds from the next call on."))
            return back(visitor, endpoint)
    context = {"visitor": visitor, "endpoint": endpoint, "form": form, "names": names}
    return render(request, "portal/endpoints/headers.html", context)


@require_POST
@for_visitors(least=ADMIN)
def pace(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    endpoint = found(visitor, id)
    form = PaceForm(request.POST, endpoint=endpoint)
    if form.is_valid():
        steer.settle(endpoint, {PACE: form.cleaned_data[PACE]}, hand_of(request, visitor), now=clock())
        messages.success(request, _("Saved. It holds from the next call on."))
        return back(visitor, endpoint)
    return page_of(request, visitor, endpoint, pace=form)


# --- sending ---------------------------------------------------------------------------------------------------------


@require_POST
@for_visitors(least=ADMIN)
def test(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    """To the page of the delivery, where a person sees what became of it."""
    endpoint, now = found(visitor, id), clock()
    with transaction.atomic():
        delivery = send_test(endpoint, by=visitor.user, now=now)
        note(request, visitor, "endpoint.test", endpoint, now=now, after={"delivery": delivery.public_id})
    return HttpResponseRedirect(reverse("portal:delivery", args=[visitor.tenant.reference, delivery.public_id]))


@require_POST
@for_visitors(least=ADMIN)
def recover(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    """To the plan: of what failed since then, or of what would arrive today and never did."""
    endpoint, now, form = found(visitor, id), clock(), SinceForm(request.POST)
    if not form.is_valid():
        return back(visitor, endpoint)
    since = now - timedelta(hours=form.cleaned_data["hours"])
    if form.cleaned_data["what"] == "failed":
        asked = {"state": "failed", "connection": endpoint.public_id, "stopped_since": since.isoformat()}
        return HttpResponseRedirect(f"{reverse('portal:plan', args=[visitor.tenant.reference])}?{urlencode(asked)}")
    reason = _("asked for on the page of the endpoint")
    operation = bulk.plan_missing(endpoint, since=since, reason=reason, hand=hand_of(request, visitor), now=now)
    return HttpResponseRedirect(reverse("portal:operation", args=[visitor.tenant.reference, operation.public_id]))
