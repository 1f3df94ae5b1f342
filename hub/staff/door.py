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

PASSED = "second_factor"  # in the session: who showed one


def passed(request: HttpRequest) -> bool:
    return request.session.get(PASSED) == request.user.pk


def way_in(request: HttpRequest) -> HttpResponseRedirect:
    """The next step of a person who may not see these pages yet; it leads on to where they wanted to go."""
    wanted = request.GET.get("next", "")
    if not (wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)):
        wanted = reverse("admin:index")
    if not request.user.is_authenticated:
        return redirect_to_login(wanted)
    if not request.user.is_staff:
        raise PermissionDenied
    way = "mfa_reauthenticate" if has_second_factor(request.user) else "mfa_activate_totp"
    return redirect_to_login(wanted, reverse(way))


def has_second_factor(user: Any) -> bool:
    return Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists()


def way_to_reauthenticate(request: HttpRequest) -> HttpResponseRedirect | None:
    """Before a sensitive page: None where the person has shown in the last minutes who they are.

    A POST is not kept meanwhile, as it may carry a secret: the person comes back to the empty form.
    """
    if not is_reauthentication_required(request, app="staff"):
        return None
    if request.method == "POST":
        messages.warning(request, "Nothing was saved: show who you are, then fill in the form again.")
    way = "mfa_reauthenticate" if has_second_factor(request.user) else "account_reauthenticate"
    return redirect_to_login(request.get_full_path(), reverse(way))


@receiver([authenticator_added, authenticator_used])
def let_pass(request: HttpRequest, user: Any, **told: Any) -> None:
    request.session[PASSED] = user.pk


@receiver(authenticator_removed)
def shut(request: HttpRequest, **told: Any) -> None:
    request.session.pop(PASSED, None)
