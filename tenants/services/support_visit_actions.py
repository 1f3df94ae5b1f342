"""Begin and end support visits; each is audited in the tenant's chain."""

from datetime import datetime
from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest

from hub.audit import ActorContext
from hub.db.clock import clock
from tenants.access.support_sessions import can_visit_tenant, get_visit_id
from tenants.models import SupportVisit, Tenant, User

EndCause = SupportVisit.EndCause


@transaction.atomic
def begin_support_visit(
    tenant: Tenant,
    user: User,
    reason: str,
    actor: ActorContext,
    *,
    ticket: str = "",
    now: datetime,
) -> SupportVisit:
    """Return a new visit of 30 minutes at most.

    Raises PermissionDenied when the person may not visit the tenant.
    """
    if not can_visit_tenant(user, tenant):
        raise PermissionDenied
    visit = SupportVisit.unscoped.create(
        tenant=tenant,
        user=user,
        visitor=user.email,
        reason=reason,
        ticket=ticket,
        started_at=now,
        expires_at=now + SupportVisit.LENGTH,
    )
    after = {"ticket": ticket, "until": visit.expires_at}
    actor.audit("support.begin", visit, tenant=tenant, reason=reason, after=after, now=now)
    return visit


@transaction.atomic
def end_support_visit(
    visit: SupportVisit, cause: str, actor: ActorContext, *, now: datetime
) -> bool:
    """End the visit; return False if it has ended already."""
    rows = SupportVisit.unscoped.filter(pk=visit.pk, ended_at=None)
    ended_at = min(now, visit.expires_at)
    if not rows.update(ended_at=ended_at, end_cause=cause):
        return False
    after = {"from": visit.started_at, "to": ended_at, "cause": cause}
    actor.audit(
        "support.end", visit, tenant=visit.tenant, reason=visit.reason, after=after, now=now
    )
    return True


def end_visit_of_session(request: HttpRequest, cause: str, *, now: datetime) -> SupportVisit | None:
    """End the visit of this session; return it, or None if there is none."""
    visit_id = get_visit_id(request)
    if visit_id is None or not isinstance(request.user, User):
        return None
    visits = SupportVisit.unscoped.select_related("tenant")
    visit = visits.filter(public_id=visit_id, user=request.user).first()
    if visit is not None:
        end_support_visit(visit, cause, ActorContext.of_user(request.user, request), now=now)
    return visit


def end_finished_visits(*, now: datetime) -> None:
    """End the visits whose time is over or whose visitor may not any more; a step of the sweep."""
    for visit in SupportVisit.unscoped.filter(ended_at=None).select_related("tenant", "user"):
        if visit.expires_at <= now:
            end_support_visit(visit, EndCause.TIME, ActorContext.system(), now=now)
        elif visit.user is None or not can_visit_tenant(visit.user, visit.tenant):
            end_support_visit(visit, EndCause.PERMISSION, ActorContext.system(), now=now)


@receiver(user_logged_out)
def end_visit_at_sign_out(request: HttpRequest | None, **signal: Any) -> None:
    if request is not None and hasattr(request, "session"):
        end_visit_of_session(request, EndCause.SIGN_OUT, now=clock())
