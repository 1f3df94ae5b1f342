"""Page of an invitation's link: what the invitation is for, and the reader's next step."""

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.problems import show_refusal
from tenants.access.tenant_users import tenant_home_url
from tenants.models import Invitation, User
from tenants.services import membership_actions
from tenants.services.invitation_mail import find_invitation_by_token, remember_invitation


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def open_invitation(request: HttpRequest, token: str) -> HttpResponse:
    invitation = find_invitation_by_token(token)
    if invitation is None or invitation.state(clock()) != "pending":
        return render(request, "people/invitation_ended.html", status=404)
    step = _next_step(request, invitation)
    if request.method != "POST":
        return render(request, "people/invitation.html", {"invitation": invitation, "step": step})
    if step == "accept":
        return _accept_and_redirect(request, invitation)
    if step == "sign_up":
        remember_invitation(request, invitation)
        return redirect("account_signup")
    return redirect_to_login(request.path) if step == "sign_in" else redirect(request.path)


def _next_step(request: HttpRequest, invitation: Invitation) -> str:
    if request.user.is_authenticated:
        return "accept" if request.user.email.lower() == invitation.email else "another"
    return "sign_in" if User.objects.filter(email=invitation.email).exists() else "sign_up"


def _accept_and_redirect(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    user = request.user
    assert isinstance(user, User), "only a user who is signed in accepts"
    actor = ActorContext.of_user(user, request)
    with show_refusal(request):
        membership_actions.accept_invitation(invitation, user, actor, now=clock())
        messages.success(
            request, _("You are now a member of %(tenant)s.") % {"tenant": invitation.tenant}
        )
        return redirect(tenant_home_url(invitation.tenant))
    return redirect("people:tenants")
