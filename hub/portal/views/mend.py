"""Connecting again: by the other system's own page, or by what is filled in; the history and what waits stay."""

import secrets
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from hub import egress
from hub.clock import clock
from hub.connections import checks, connect, probe, steer
from hub.connections.advice import told
from hub.connections.forms import MendForm
from hub.connections.login_hosts import login_choices, login_host_of
from hub.connections.models import Connection, Credential
from hub.portal.handed import hand_of
from hub.portal.views.connection import ADMIN, back_to, own_connection
from hub.portal.views.wizard import going_on, login_of_attempt, suspended_page
from hub.secrets import CannotOpen
from tenants.visitors import Visitor, for_visitors


@require_http_methods(["GET", "POST"])
@never_cache
@sensitive_post_parameters()
@for_visitors(least=ADMIN)
def reconnect(request: HttpRequest, visitor: Visitor, id: UUID) -> HttpResponse:
    row = own_connection(visitor, id)
    context: dict[str, Any] = {"visitor": visitor, "connection": row, "connector": row.connector}
    if row.connector.needs_oauth:
        so_far = {"environment": row.settings.get("environment", ""), "login_host": login_host_of(row)}
        context |= going_on(request, visitor, row.connector, row)
        context |= login_choices(row.connector, **login_of_attempt(context) or so_far)
        return render(request, "portal/reconnect.html", context)
    if visitor.tenant.suspended:
        return suspended_page(request, visitor, row.connector)
    form = filled(row, request.POST or None)
    context["form"] = form
    if request.method == "POST" and form.is_valid():
        return mended(request, visitor, form, context)
    return render(request, "portal/reconnect.html", context)


@sensitive_variables()
def filled(row: Connection, said: Any) -> MendForm:
    """What is stored stays where nothing is filled in; what cannot be opened is filled in again."""
    kept: dict[str, Any] = {}
    with suppress(CannotOpen, Credential.DoesNotExist):
        kept = row.credential.open(row)
    return MendForm(said, stated=row.connector.fields, known=row.settings, kept=kept)


@sensitive_variables()
def mended(request: HttpRequest, visitor: Visitor, form: MendForm, context: dict[str, Any]) -> HttpResponse:
    row, said, now = context["connection"], form.cleaned_data, clock()
    tried = connect.draft(row.tenant, row.connector_key, row.name, said["settings"])
    document, _made = connect.completed(row.connector, said["document"], random=secrets.token_bytes)
    finding = probe.probe(tried, document, call=egress.outward, now=now)
    context["checks"] = checks.steps(finding)
    if not finding.lives:
        context["problem"] = told(
            checks.problem_of(finding), row.connector, hub=settings.HUB_NAME, detail=checks.told(finding)
        )
        return render(request, "portal/reconnect.html", context, status=422)
    try:
        how = {"random": secrets.SystemRandom().random, "now": now}
        steer.mend(row, said["settings"], document, finding, hand_of(request, visitor), **how)
    except connect.ChangeRefused as other:
        form.add_error(None, str(other))
        return render(request, "portal/reconnect.html", context, status=409)
    messages.success(request, _("It was tested and saved. What waited goes out now."))
    return back_to(visitor, row)
