"""The setup of the first second factor of staff: it requires a mailed link besides the password."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from allauth.core import ratelimit
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from hub import mail
from hub.db.clock import clock
from hub.staff.mfa_gate import has_second_factor

CONFIRMED_KEY = "first_factor_confirmed"  # in the session: the id of the user who opened the link
SALT = "hub.staff.mfa_setup"
LINK_LIFETIME_SECONDS = 15 * 60  # seconds


def make_setup_link(user: AbstractBaseUser) -> str:
    token = signing.dumps(user.pk, salt=SALT)
    return mail.build_absolute_url(reverse("first_factor_confirm", args=[token]))


def _is_setup_link_needed(request: HttpRequest) -> bool:
    user = request.user
    if not (user.is_authenticated and user.is_staff) or has_second_factor(user):
        return False
    return request.session.get(CONFIRMED_KEY) != user.pk


def require_setup_link(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Require an opened setup link before this view, if the user is staff without a second factor.

    It protects the setup page, and the page that changes the address to which the link is mailed.
    """

    @wraps(view)
    @never_cache
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if _is_setup_link_needed(request):
            return render(request, "mfa/totp/first_factor.html")
        return view(request, *args, **kwargs)

    return guarded


@require_POST
@login_required
def send_setup_link(request: HttpRequest) -> HttpResponse:
    user, now = request.user, clock()
    if _is_setup_link_needed(request):
        if not ratelimit.consume(request, action="first_factor_link", user=user):
            messages.warning(request, _(mail.JUST_SENT))
        else:
            _mail_setup_link(request, user, now)
    return redirect("mfa_activate_totp")


def _mail_setup_link(request: HttpRequest, user: Any, now: datetime) -> None:
    context = {
        "url": make_setup_link(user),
        "reset_url": mail.build_absolute_url(reverse("account_reset_password")),
    }
    try:
        mail.queue_mail(user.email, "mail/first_factor.txt", context, now=now)
        messages.success(
            request, _("A link is being sent to %(address)s.") % {"address": user.email}
        )
    except mail.MailNotConfigured:
        messages.warning(request, _(mail.NOT_CONFIGURED))


@require_safe
@never_cache
@login_required
def confirm_setup_link(request: HttpRequest, token: str) -> HttpResponse:
    """Confirm the setup link in this session if it was issued for the signed-in user."""
    try:
        if signing.loads(token, salt=SALT, max_age=LINK_LIFETIME_SECONDS) == request.user.pk:
            request.session[CONFIRMED_KEY] = request.user.pk
        else:
            messages.error(request, _("This link is for another account."))
    except signing.BadSignature:
        messages.error(request, _("This link is no longer valid. Request a new one."))
    return redirect("mfa_activate_totp")
