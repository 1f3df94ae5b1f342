"""Pages of customers: offer declared actions, and perform one."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest

from hub.actions import Action, Actions, Text, list_offered
from hub.audit import ActorContext
from hub.db.clock import clock
from hub.problems import show_refusal
from tenants.access.tenant_users import TenantUser


@dataclass(frozen=True, slots=True)
class OfferedAction:
    action: Action[Any]
    caution: Text  # what makes it dangerous for this row; empty if nothing does


def list_possible_actions(actions: Actions, row: Any) -> list[OfferedAction]:
    """List what the state of a row allows now."""
    return [
        OfferedAction(action, action.find_caution(row))
        for action in list_offered(actions, "portal")
        if action.is_available(row)
    ]


def find_action(actions: Actions, name: str) -> Action[Any]:
    """Return a declared action. Raises Http404 if pages of customers do not offer it."""
    action = actions.get(name)
    if action is None or not action.is_offered_at("portal"):
        raise Http404(name)
    return action


def perform_action(
    request: HttpRequest,
    tenant_user: TenantUser,
    action: Action[Any],
    row: Any,
    *,
    reason: str = "",
) -> Any:
    """Perform an action, and show its success or refusal; return its result, None if refused."""
    actor = ActorContext.of_visitor(request, tenant_user)
    with show_refusal(request):
        result = action.perform(row, actor, reason=reason, now=clock())
        messages.success(request, action.describe_success(result))
        return result
    return None
