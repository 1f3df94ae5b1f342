"""Pages of customers: offer declared actions, ask for the data of one, and perform it."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from hub import egress
from hub.actions import Action, ActionForm, Actions, Text, list_offered
from hub.audit import ActorContext
from hub.db.clock import clock
from hub.portal.display_preferences import resolve_display_zone
from hub.portal.navigation import reverse_row_page
from hub.problems import show_refusal
from tenants.access.tenant_users import TenantUser, require_recent_login, tenant_view
from tenants.models import Membership


@dataclass(frozen=True, slots=True)
class OfferedAction:
    action: Action[Any]
    label: Text  # of its button
    caution: Text  # what makes it dangerous for this row; empty if nothing does
    form: ActionForm

    @property
    def asks(self) -> bool:
        """Return whether a page asks before it is performed."""
        return self.action.form is not None or self.action.tone == "danger"


def offer_action(action: Action[Any], row: Any, data: Any = None) -> OfferedAction:
    form_class = action.form or ActionForm
    form = form_class(data, obj=row, auto_id=f"id_{action.name}_%s")
    return OfferedAction(action, action.find_button_label(row), action.find_caution(row), form)


def list_possible_actions(actions: Actions, row: Any) -> list[OfferedAction]:
    """List what the state of a row allows now."""
    return [
        offer_action(action, row)
        for action in list_offered(actions, "portal")
        if action.is_available(row)
    ]


def find_row_page(tenant_user: TenantUser, row: Any) -> str:
    return reverse_row_page(row, tenant_user.tenant)


@dataclass(frozen=True, slots=True, repr=False)
class PerformedAction:
    action: Action[Any]
    result: Any


def allow_always(tenant_user: TenantUser, action: Action[Any], row: Any) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class ActionPages:
    """The rows of declared actions: how a page finds one, and what it shows afterwards."""

    actions: Actions
    find: Callable[[TenantUser, Any], Any]  # by its public id; raises Http404
    is_allowed: Callable[[TenantUser, Action[Any], Any], bool] = allow_always
    find_page: Callable[[TenantUser, Any], str] = find_row_page  # the URL on which the row is
    list_page: str = ""  # the name of its URL, shown after a removal
    min_role: str = Membership.Role.ADMIN
    # what follows a PerformedAction in place of the row's page; None: that page
    respond: Callable[[HttpRequest, TenantUser, Any, PerformedAction], HttpResponse | None] = (
        lambda *done: None
    )
    describe_row: Callable[[Any], Any] = lambda row: getattr(row, "name", "")  # in the title


def build_action_view(pages: ActionPages) -> Callable[..., HttpResponseBase]:
    """Return the view of actions on a row, which asks before it performs one."""

    @require_http_methods(["GET", "HEAD", "POST"])
    @tenant_view(min_role=pages.min_role)
    def view(
        request: HttpRequest, tenant_user: TenantUser, verb: str, id: UUID | None = None
    ) -> HttpResponseBase:
        action = pages.actions.get(verb)
        if action is None or not action.is_offered_at("portal"):
            raise Http404(verb)
        row = pages.find(tenant_user, id)
        if not pages.is_allowed(tenant_user, action, row):
            raise PermissionDenied
        is_sensitive = "portal" in action.recent_login_at
        respond = require_recent_login(_ask_or_perform) if is_sensitive else _ask_or_perform
        return respond(request, tenant_user, pages, action, row)

    view.actions = pages.actions  # type: ignore[attr-defined]  # as those of an admin class
    return view


@sensitive_variables("result")
def _ask_or_perform(
    request: HttpRequest, tenant_user: TenantUser, pages: ActionPages, action: Action[Any], row: Any
) -> HttpResponse:
    offered = offer_action(action, row, request.POST if request.method == "POST" else None)
    form, actor = offered.form, ActorContext.of_visitor(request, tenant_user)
    url = pages.find_page(tenant_user, row)
    with timezone.override(resolve_display_zone(request)):  # times without an offset
        is_valid = form.is_valid()
    if is_valid:
        with show_refusal(request, form if action.form else None, form.field_names):
            result = action.perform(
                row,
                actor,
                form.cleaned_data,
                call=egress.send_request,
                random=secrets.SystemRandom(),
                now=clock(),
            )
            show = messages.success if action.is_success(result) else messages.warning
            show(request, action.describe_success(result))
            response = pages.respond(request, tenant_user, row, PerformedAction(action, result))
            if response is not None:
                return response
            url = pages.find_page(tenant_user, row)
            if action.creates:
                url = reverse_row_page(result, tenant_user.tenant)
            if action.removes:
                url = reverse(pages.list_page, args=[tenant_user.tenant.reference])
        if form.is_valid():  # it has no refusal
            return HttpResponseRedirect(url)
    context = {
        "tenant_user": tenant_user,
        "offered": offered,
        "row_name": pages.describe_row(row),
        "back_url": url,
    }
    return render(request, "portal/action.html", context)
