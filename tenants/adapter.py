"""django-allauth for people: who may sign up, how mail reaches them, and how second factors lie at rest."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.account.forms import SignupForm as AllauthSignupForm
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from django import forms
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from hub import mail
from hub.clock import clock
from hub.secrets import opened_text, sealed_text
from tenants import people
from tenants.invitations import invitation_of
from tenants.keys import digest_of
from tenants.models import User
from tenants.names import validate_name
from tenants.people import Hand
from tenants.sign_in_limits import Attempt

UNKNOWN_ACCOUNT = "account/email/unknown_account"  # allauth's mail to an address without an account
MFA_SECRET = "allauth.mfa"  # what a sealed second factor is bound to: allauth does not say whose it is


class AccountAdapter(DefaultAccountAdapter):
    error_messages: ClassVar = DefaultAccountAdapter.error_messages | {
        "too_many_passwords": _(
            "Too many failed tries. Wait a few minutes, or choose “Forgot your password?”: once you have set "
            "a new one by the link in the mail, you can sign in at once."
        ),
    }
    attempt: Attempt

    # --- sign-up: by invitation only, for its address, which counts as verified as the invitation came by mail ---

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return invitation_of(request, now=clock()) is not None

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """The account and its membership are made together, or not at all."""
        invitation = invitation_of(request, now=clock())
        user.name = form.cleaned_data["name"]
        try:
            with transaction.atomic():
                super().save_user(request, user, form)
                people.accept(invitation, user, Hand.of_person(request, user), now=clock())
        except (people.Refused, IntegrityError) as error:  # the same invitation was accepted meanwhile
            refused = isinstance(error, people.Refused)
            messages.error(request, str(error) if refused else gettext("This invitation has ended."))
            raise ImmediateHttpResponse(HttpResponseRedirect(reverse("account_login"))) from None
        self.stash_verified_email(request, invitation.email)
        return user

    # --- mail ---

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """A row and a bell, whether there is an account or not: no page waits for a mail server, or breaks with it."""
        pages = {"reset_url": mail.link(reverse("account_reset_password")), "login_url": mail.link("/accounts/login/")}
        told = {name: value for name, value in context.items() if name not in ("request", "signup_url")}
        now = clock()
        until = now + timedelta(seconds=app_settings.EMAIL_VERIFICATION_BY_CODE_TIMEOUT) if "code" in told else None
        try:
            if template_prefix == UNKNOWN_ACCOUNT:
                write_for_nobody(email, pages, now=now)
            else:
                mail.send(email, f"{template_prefix}.txt", told | pages, until=until, now=now)
        except mail.NotSetUp:
            messages.warning(self.request, gettext("Mail is not set up here, so none will come."))

    def get_reset_password_from_key_url(self, key: str) -> str:
        named = {"uidb36": "UID", "key": "KEY"}
        return mail.link(reverse("account_reset_password_from_key", kwargs=named).replace("UID-KEY", key))

    # --- signing in ---

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Whoever has just signed in has just shown who they are."""
        records = get_authentication_records(self.request, self.request.user)
        since = clock().timestamp() - app_settings.REAUTHENTICATION_TIMEOUT
        fresh = bool(records) and records[-1]["at"] > since
        return not fresh and super().is_reauthentication_required(app=app, **kwargs)

    def is_safe_url(self, url: str) -> bool:
        """Pages of this hub, by their path alone."""
        return url.startswith("/") and super().is_safe_url(url)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """In the place of allauth's own count, which one stranger can fill up for everybody."""
        self.attempt = self.attempt_at(request, **credentials)
        if not self.attempt.is_allowed():
            raise self.validation_error("too_many_passwords")

    def _rollback_login_failed_rl_usage(self) -> None:
        self.attempt.roll_back()

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        self.attempt_at(request, **credentials).clear()

    def attempt_at(self, request: HttpRequest, **credentials: Any) -> Attempt:
        return Attempt(request, str(credentials.get("email", "")), self.get_client_ip(request))


@transaction.atomic
def write_for_nobody(email: str, context: dict[str, Any], *, now: datetime) -> None:
    """Do what a mail with a link costs, and send none: a stranger's address is not ours to write to, and the time that
    the page takes does not tell who has an account.
    """
    about = f"nobody:{digest_of(email)}"
    letter = context | {"password_reset_url": context["reset_url"]}
    mail.send(email, "account/email/password_reset_key.txt", letter, about=about, now=now)
    mail.withdraw(about)


class MFAAdapter(DefaultMFAAdapter):
    def encrypt(self, text: str) -> str:
        return sealed_text(text, MFA_SECRET)

    def decrypt(self, encrypted_text: str) -> str:
        return opened_text(encrypted_text, MFA_SECRET)


class SignupForm(AllauthSignupForm):
    """The address is the invitation's: it is shown, and what else is sent for it is not read."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=150,
        validators=[validate_name],
        widget=forms.TextInput({"autocomplete": "name"}),
    )
    field_order = ("email", "name", "password1")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        invitation = invitation_of(context.request, now=clock())
        self.fields["email"].disabled = True
        self.initial["email"] = invitation.email if invitation else ""
