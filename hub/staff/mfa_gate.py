"""The door to the staff's pages: they sign in where everybody does, and show a second factor too."""

from typing import Any

from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_used
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

SESSION_KEY = "second_factor"  # in the session: who showed one


def has_passed_mfa(request: HttpRequest) -> bool:
    return request.session.get(SESSION_KEY) == request.user.pk


def redirect_to_next_step(request: HttpRequest) -> HttpResponseRedirect:
    """The next step of a person who may not see these pages yet; it leads on to where they wanted to go."""
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


def has_second_factor(user: Any) -> bool:
    authenticators = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP)
    return bool(authenticators.exists())


def reauthentication_redirect(request: HttpRequest) -> HttpResponseRedirect | None:
    """Before a sensitive page: None where the person has shown in the last minutes who they are.

    A POST is not kept meanwhile, as it may carry a secret: the person comes back to the empty form.
    """
    if not is_reauthentication_required(request, app="staff"):
        return None
    if request.method == "POST":
        messages.warning(
            request, "Nothing was saved: show who you are, then fill in the form again."
        )
    url_name = "mfa_reauthenticate" if has_second_factor(request.user) else "account_reauthenticate"
    return redirect_to_login(request.get_full_path(), reverse(url_name))


@receiver([authenticator_added, authenticator_used])
def mark_mfa_passed(request: HttpRequest, user: Any, **signal: Any) -> None:
    request.session[SESSION_KEY] = user.pk


@receiver(authenticator_removed)
def clear_mfa_passed(request: HttpRequest, **signal: Any) -> None:
    request.session.pop(SESSION_KEY, None)
