"""What a guest fills in who came by a connect link: tested first, kept when the test passed, never shown again."""

import secrets
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from hub import egress
from hub.clock import clock
from hub.connections import checks, connect, links, probe, steer
from hub.connections.advice import told
from hub.connections.authorize.who import Refused
from hub.connections.forms import Stated
from hub.connections.models import ConnectLink
from hub.connections.views.link import ended, held
from hub.connections.views.pages import problem_page
from hub.operations.start import Hand


@require_http_methods(["GET", "POST"])
@never_cache
@sensitive_post_parameters()
def fill_in(request: HttpRequest) -> HttpResponse:
    """Nothing is filled in beforehand: what is stored is none of a guest's business."""
    link = held(request)
    if link is None or link.connector.needs_oauth:
        return ended(request)
    if link.tenant.suspended:
        return problem_page(request, Refused("tenant_suspended"), link.connector, back=reverse("connections:link_here"))
    form = Stated(request.POST or None, stated=link.connector.fields, known={}, kept={})
    context: dict[str, Any] = {"link": link, "connector": link.connector, "form": form}
    if request.method == "POST" and form.is_valid():
        return tested(request, link, form, context)
    return page(request, context)


def page(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    return render(request, "connections/link_fill_in.html", context, status=status)


@sensitive_variables()
def tested(request: HttpRequest, link: ConnectLink, form: Stated, context: dict[str, Any]) -> HttpResponse:
    code, said, now = link.connector, form.cleaned_data, clock()
    draft = connect.draft(
        link.tenant, code.key, link.connection.name if link.connection else code.label, said["settings"]
    )
    document, made = connect.completed(code, said["document"], random=secrets.token_bytes)
    finding = probe.probe(draft, document, call=egress.outward, now=now)
    context["checks"] = checks.steps(finding)
    if not finding.lives:
        context["problem"] = told(checks.problem_of(finding), code, hub=settings.HUB_NAME, detail=checks.told(finding))
        return page(request, context, status=422)
    try:
        how = {"random": secrets.SystemRandom().random, "now": now}
        steer.fulfil(link, draft, document, finding, hand_of(request, link), **how)
    except (connect.AlreadyConnected, connect.ChangeRefused) as clash:
        form.add_error(None, str(clash))
        return page(request, context, status=409)
    except links.Ended:
        return ended(request)
    if made:
        return render(request, "connections/link_done.html", {"secret": made})
    messages.success(request, _("%(name)s is connected.") % {"name": draft.name})
    return HttpResponseRedirect(reverse("connections:link_done"))


def hand_of(request: HttpRequest, link: ConnectLink) -> Hand:
    return Hand.of(request, links.visitor_by(link).actor)
