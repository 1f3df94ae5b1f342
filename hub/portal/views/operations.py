"""Work on many deliveries: say which, read the plan, run it, watch it, cancel it, read what it did."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hub.clock import clock
from hub.operations import start
from hub.operations.models import Operation
from hub.operations.start import Refused
from hub.outgoing import bulk
from hub.outgoing.models import Delivery
from hub.portal.handed import hand_of
from hub.portal.log.planning import PlanForm, which, worded
from hub.portal.look import zone_of
from hub.portal.views.acts import unless_known
from hub.states import WrongState
from tenants.models import Membership
from tenants.visitors import Visitor, for_visitors

VERBS = {"confirm": start.confirm, "cancel": start.cancel}


@require_http_methods(["GET", "HEAD", "POST"])
@for_visitors(least=Membership.Role.ADMIN)
def plan(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """What is meant stands in the address, so the page can be kept and shared."""
    chosen = which(request.GET)
    form = PlanForm(request.POST or None, initial={"kind": request.GET.get("kind", "retry")})
    if request.method == "POST" and chosen and form.is_valid():
        said = form.cleaned_data
        operation = bulk.plan(
            said["kind"], chosen, tenant=visitor.tenant, reason=said["why"] or _("asked for on the pages of the log"),
            hand=hand_of(request, visitor), now=clock(),
        )  # fmt: skip
        return HttpResponseRedirect(address("portal:operation", visitor, operation))
    count = len(chosen.get("deliveries", ()))
    context = {
        "visitor": visitor,
        "form": form,
        "chosen": chosen,
        "selected": count,
        "worded": worded(chosen, visitor.tenant, zone_of(request)),
        "api_asks": chosen,
    }
    return render(request, "portal/log/plan.html", context)


def address(page: str, visitor: Visitor, operation: Operation) -> str:
    return reverse(page, args=[visitor.tenant.reference, operation.public_id])


def found(visitor: Visitor, id: UUID) -> Operation:
    operation = Operation.objects.of(visitor.tenant).select_related("tenant").filter(public_id=id).first()
    if operation is None:
        raise Http404(id)
    return operation


@require_safe
@for_visitors()
def operation(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    row = found(visitor, id)
    sample = [entry["id"] for entry in row.facts["sample"]]
    known = {
        str(pk)
        for pk in Delivery.objects.of(visitor.tenant).filter(public_id__in=sample).values_list("public_id", flat=True)
    }
    context = {
        "visitor": visitor,
        "label": bulk.LABELS[row.kind],
        "samples": [(entry, entry["id"] in known) for entry in row.facts["sample"]],
        "oldest": row.facts["oldest"] and datetime.fromisoformat(row.facts["oldest"]),
        "lasts": timedelta(seconds=row.facts["seconds"]),
        **told(row, now=clock()),
    }
    return render(request, "portal/log/operation.html", context)


@require_safe
@for_visitors()
def live(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    row = found(visitor, id)
    response = render(request, "portal/log/operation_live.html", {"visitor": visitor, **told(row, now=clock())})
    if row.ended:  # other words and other buttons on the whole page
        response["HX-Refresh"] = "true"
        return response
    return unless_known(request, response)


def told(row: Operation, *, now: datetime) -> dict[str, Any]:
    left = row.seconds_left(now=now)
    return {
        "operation": row,
        "expired": row.expired(now=now),
        "left": timedelta(seconds=left) if left is not None else None,
        "took": row.finished_at - row.started_at if row.finished_at and row.started_at else None,
    }


@require_POST
@for_visitors(least=Membership.Role.ADMIN)
def do(request: HttpRequest, visitor: Visitor, id: UUID, verb: str) -> HttpResponse:
    if verb not in VERBS:
        raise Http404(verb)
    row = found(visitor, id)
    try:
        VERBS[verb](row, hand_of(request, visitor), now=clock())
    except Refused as refused:
        messages.warning(request, str(refused))
    except WrongState:
        messages.warning(
            request, _("Somebody was first: it is %(state)s already.") % {"state": found(visitor, id).state}
        )
    return HttpResponseRedirect(address("portal:operation", visitor, row))
