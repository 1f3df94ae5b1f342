"""Restrict the staff pages to staff who signed in and passed a second factor in this session."""

from typing import Any

from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_used
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

SESSION_KEY = "second_factor"  # in the session: the id of the user who passed one


def has_passed_mfa(request: HttpRequest) -> bool:
    return request.session.get(SESSION_KEY) == request.user.pk


def redirect_to_next_step(request: HttpRequest) -> HttpResponseRedirect:
    """Redirect to the next step before the admin: sign in, or pass or set up a second factor.

    Raises PermissionDenied for users who are not staff. The last step leads to the requested page.
    """
    next_url = request.GET.get("next", "")
    if not (
        next_url.startswith("/") and url_has_allowed_host_and_scheme(next_url, allowed_hosts=None)
    ):
        next_url = reverse("admin:index")
    if not request.user.is_authenticated:
        return redirect_to_login(next_url)
    if not request.user.is_staff:
        raise PermissionDenied
    url_name = "mfa_reauthenticate" if has_second_factor(request.user) else "mfa_activate_totp"
    return redirect_to_login(next_url, reverse(url_name))


def has_second_factor(user: AbstractBaseUser | AnonymousUser) -> bool:
    authenticators = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP)
    return bool(authenticators.exists())


def reauthentication_redirect(request: HttpRequest) -> HttpResponseRedirect | None:
    """Return the redirect to the page that asks staff to sign in again; None after a recent login.

    The data of a POST is discarded, as it may hold a secret: the user returns to the empty form.
    """
    if not is_reauthentication_required(request, app="staff"):
        return None
    if request.method == "POST":
        messages.warning(
            request, "Nothing has been saved. Confirm your identity, then fill in the form again."
        )
    url_name = "mfa_reauthenticate" if has_second_factor(request.user) else "account_reauthenticate"
    return redirect_to_login(request.get_full_path(), reverse(url_name))


@receiver([authenticator_added, authenticator_used])
def mark_mfa_passed(request: HttpRequest, user: AbstractBaseUser, **signal: Any) -> None:
    request.session[SESSION_KEY] = user.pk


@receiver(authenticator_removed)
def clear_mfa_passed(request: HttpRequest, **signal: Any) -> None:
    request.session.pop(SESSION_KEY, None)
