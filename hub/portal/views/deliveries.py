"""A delivery: why it did not arrive in plain words first, who can mend it, and what may be done about it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from hub.clock import clock
from hub.limits.spending import spend_exactly
from hub.outgoing import replay
from hub.outgoing.explain import explain, readable_deliveries, shown
from hub.outgoing.models import DONE, Delivery
from hub.outgoing.timeline import timeline
from hub.portal.log.lines import line_of
from hub.portal.log.remedies import remedy_of
from hub.portal.look import zone_of
from hub.portal.views.acts import note, unless_known
from hub.states import WrongState
from hub.words import TONES
from tenants.models import Membership
from tenants.scoping import belongs_to, changeable
from tenants.visitors import Visitor, for_visitors

SIBLINGS_MOST = 50
Act = Callable[..., Delivery | None]


class Verb(NamedTuple):
    act: Act
    when: Callable[[Delivery], bool]
    label: str | Promise
    asks: str | Promise  # what a person reads before it is done
    done: str | Promise


VERBS = {
    "retry": Verb(
        replay.retry,
        replay.can_retry,
        gettext_lazy("Try it now"),
        gettext_lazy("The same message goes again at once: the same bytes, under the same id, to the address and with "
                     "the secret of today. Routes are not matched anew."),
        gettext_lazy("It goes again now."),
    ),
    "send_again": Verb(
        replay.send_again,
        lambda row: row.state in DONE and row.connection_id is not None,
        gettext_lazy("Send again"),
        gettext_lazy("A new delivery is made by the filter, the mapping, the address and the secret of today. It goes "
                     "under the same id: a system that knows the id takes it once, any other may show it twice."),
        gettext_lazy("This is the new delivery."),
    ),
    "cancel": Verb(
        replay.cancel,
        lambda row: row.state in ("waiting", "held"),
        gettext_lazy("Cancel"),
        gettext_lazy("It is not sent, and no further try is made. It can be retried later."),
        gettext_lazy("It is cancelled."),
    ),
    "skip": Verb(
        replay.skip,
        replay.can_skip,
        gettext_lazy("Skip"),
        gettext_lazy("It is left aside for good, and what an ordered route keeps behind it goes on. It can still be "
                     "sent again."),
        gettext_lazy("It is skipped."),
    ),
}  # fmt: skip


def found(visitor: Visitor, id: UUID) -> Delivery:
    rows = readable_deliveries().select_related("mapping_version").filter(belongs_to(Delivery, visitor.tenant))
    delivery = rows.filter(public_id=id).first()
    if delivery is None:
        raise Http404(id)
    return delivery


def may_change(visitor: Visitor, row: Delivery) -> bool:
    """Whether this visitor may retry, cancel, skip or send it again."""
    changeable_rows = Delivery.unscoped.filter(changeable(Delivery, [visitor.tenant.pk]))
    return visitor.may_manage and changeable_rows.filter(pk=row.pk).exists()


@require_safe
@for_visitors()
def delivery(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    row, now = found(visitor, id), clock()
    siblings = readable_deliveries().filter(event=row.event_id).exclude(pk=row.pk).order_by("pk")[:SIBLINGS_MOST]
    allowed = may_change(visitor, row)
    possible = {name: verb for name, verb in VERBS.items() if verb.when(row)}
    context = {
        "visitor": visitor,
        "verbs": possible if allowed else {},
        "may_change": allowed,
        "siblings": [line_of(sibling) for sibling in siblings],
        **summary(row, now=now),
    }
    with timezone.override(zone_of(request)):
        context |= technical(row, now=now)
    return render(request, "portal/log/delivery.html", context)


@require_safe
@for_visitors()
def live(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    """The part that changes by itself; where more than that has changed, the rest is asked for again."""
    row = found(visitor, id)
    context = {"visitor": visitor, "may_change": may_change(visitor, row), **summary(row, now=clock())}
    response = render(request, "portal/log/delivery_live.html", context)
    if request.GET.get("seen", "") != context["seen"]:
        response["HX-Trigger"] = "moved"
        return response
    return unless_known(request, response)


def summary(row: Delivery, *, now: datetime) -> dict[str, Any]:
    """What stands first, in plain words."""
    state = shown(row)
    return {
        "delivery": row,
        "state": state,
        "picture": TONES[state.state][1],
        "line": line_of(row),
        "remedy": remedy_of(row, state),
        "next_try": row.due_at if state.state == "waiting" else None,
        "ended": state.state in DONE,
        "seen": f"{state.state}.{row.attempt_count}",
    }


def technical(row: Delivery, *, now: datetime) -> dict[str, Any]:
    """What stands folded: the checks in their order, and each try."""
    told = explain(row, now=now)
    arrived = told.shown.state == "delivered"
    own = row.connection is not None and row.connection.tenant_id == row.tenant_id
    return {
        "checks": [check for check in told.checks if check.passed or not arrived],
        "cause": None if arrived else told.stopped_by,
        "steps": timeline(row, evidence=own),  # a call on the platform's own connection carries others' messages too
    }


@require_POST
@for_visitors(least=Membership.Role.ADMIN)
def do(request: HttpRequest, visitor: Visitor, id: UUID, verb: str) -> HttpResponse:
    if verb not in VERBS:
        raise Http404(verb)
    row, now = found(visitor, id), clock()
    if not may_change(visitor, row):
        raise PermissionDenied
    before = shown(row)
    try:
        with transaction.atomic():
            if verb in replay.LIMITED:
                spend_exactly(visitor.tenant, "replays", now=now)
            after = VERBS[verb].act(row, now=now) or row
            changes = {"state": after.state, "delivery": after.public_id}
            said = {"before": {"state": before.state, "reason": before.reason}, "after": changes}
            note(request, visitor, f"delivery.{verb}", row, now=now, **said)
    except WrongState:
        messages.warning(request, _("That is not possible as it is now: %(why)s") % {"why": before.sentence})
        after = row
    else:
        messages.success(request, str(VERBS[verb].done))
    return HttpResponseRedirect(reverse("portal:delivery", args=[visitor.tenant.reference, after.public_id]))
