"""Where the link of an invitation leads: what it is about, and the one step that is next for whoever opens it."""

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from hub.clock import clock
from tenants import people
from tenants.invitations import named, remember
from tenants.models import Invitation, User
from tenants.people import Hand
from tenants.visitors import home_of


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    found = named(token)
    if found is None or found.state(clock()) != "pending":
        return render(request, "people/invitation_ended.html", status=404)
    step = step_of(request, found)
    if request.method != "POST":
        return render(request, "people/invitation.html", {"invitation": found, "step": step})
    if step == "accept":
        return accept(request, found)
    if step == "sign_up":
        remember(request, found)
        return redirect("account_signup")
    return redirect_to_login(request.path) if step == "sign_in" else redirect(request.path)


def step_of(request: HttpRequest, found: Invitation) -> str:
    if request.user.is_authenticated:
        return "accept" if request.user.email.lower() == found.email else "another"
    return "sign_in" if User.objects.filter(email=found.email).exists() else "sign_up"


def accept(request: HttpRequest, found: Invitation) -> HttpResponse:
    try:
        people.accept(found, request.user, Hand.of_person(request, request.user), now=clock())
    except people.Refused as refused:
        messages.error(request, str(refused))
        return redirect("people:tenants")
    messages.success(request, _("You belong to %(tenant)s now.") % {"tenant": found.tenant})
    return redirect(home_of(found.tenant))
