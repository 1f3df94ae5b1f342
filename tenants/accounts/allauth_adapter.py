"""Adapters for django-allauth: who may sign up, how mails are sent and second factors stored."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.account.forms import LoginForm as AllauthLoginForm
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
from hub.audit import ActorContext
from hub.crypto.sealed import open_text, seal_text
from hub.db.clock import clock
from tenants.accounts.sign_in_limits import SignInAttempt
from tenants.api_key_format import digest_token
from tenants.models import User
from tenants.name_validation import validate_name
from tenants.services import membership_actions
from tenants.services.invitation_mail import remembered_invitation

UNKNOWN_ACCOUNT = "account/email/unknown_account"  # allauth's mail to an address without an account
MFA_SECRET = "allauth.mfa"  # binding of sealed second factors: allauth passes no user


class AccountAdapter(DefaultAccountAdapter):
    error_messages: ClassVar = DefaultAccountAdapter.error_messages | {
        "too_many_passwords": _(
            "Too many failed attempts. Wait a few minutes, or select “Forgot your "
            "password?”: after you have set a new password, you can sign in immediately."
        ),
    }
    attempt: SignInAttempt

    # --- sign-up: only by invitation, for its address, which the invitation's mail has verified ---

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return remembered_invitation(request, now=clock()) is not None

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """Create the account and its membership in one transaction."""
        invitation = remembered_invitation(request, now=clock())
        assert invitation, "is_open_for_signup() was asked before"
        user.name = form.cleaned_data["name"]
        try:
            with transaction.atomic():
                super().save_user(request, user, form)
                membership_actions.accept_invitation(
                    invitation, user, ActorContext.of_user(user, request), now=clock()
                )
        except (
            membership_actions.MembershipRejected,
            IntegrityError,
        ) as error:  # the same invitation was accepted meanwhile
            is_rejected = isinstance(error, membership_actions.MembershipRejected)
            messages.error(
                request,
                str(error) if is_rejected else gettext(membership_actions.INVITATION_ENDED),
            )
            raise ImmediateHttpResponse(HttpResponseRedirect(reverse("account_login"))) from None
        self.stash_verified_email(request, invitation.email)
        return user

    # --- mail ---

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Queue the mail, with equal work for an unknown account, and no wait for a mail server."""
        page_urls = {
            "reset_url": mail.build_absolute_url(reverse("account_reset_password")),
            "login_url": mail.build_absolute_url("/accounts/login/"),
        }
        mail_context = {
            name: value for name, value in context.items() if name not in ("request", "signup_url")
        }
        now = clock()
        until = (
            now + timedelta(seconds=app_settings.EMAIL_VERIFICATION_BY_CODE_TIMEOUT)
            if "code" in mail_context
            else None
        )
        try:
            if template_prefix == UNKNOWN_ACCOUNT:
                _simulate_mail(email, page_urls, now=now)
            else:
                mail.queue_mail(
                    email, f"{template_prefix}.txt", mail_context | page_urls, until=until, now=now
                )
        except mail.MailNotConfigured:
            messages.warning(self.request, gettext(mail.NOT_CONFIGURED))

    def get_reset_password_from_key_url(self, key: str) -> str:
        placeholders = {"uidb36": "UID", "key": "KEY"}
        return mail.build_absolute_url(
            reverse("account_reset_password_from_key", kwargs=placeholders).replace("UID-KEY", key)
        )

    # --- signing in ---

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Return whether the last authentication is longer ago than REAUTHENTICATION_TIMEOUT."""
        records = get_authentication_records(self.request, self.request.user)
        oldest = clock().timestamp() - app_settings.REAUTHENTICATION_TIMEOUT
        is_recent = bool(records) and records[-1]["at"] > oldest
        return not is_recent and super().is_reauthentication_required(app=app, **kwargs)

    def is_safe_url(self, url: str) -> bool:
        """Return whether the URL is the path of a page of this hub."""
        return url.startswith("/") and super().is_safe_url(url)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt by our own limits. Raises ValidationError if there were too many.

        A stranger could otherwise use up allauth's own limit for everyone.
        """
        self.attempt = self.build_attempt(request, **credentials)
        if not self.attempt.consume_limits():
            raise self.validation_error("too_many_passwords")

    def _rollback_login_failed_rl_usage(self) -> None:
        self.attempt.roll_back()

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        self.build_attempt(request, **credentials).clear()

    def build_attempt(self, request: HttpRequest, **credentials: Any) -> SignInAttempt:
        return SignInAttempt(
            request, str(credentials.get("email", "")), self.get_client_ip(request)
        )


@transaction.atomic
def _simulate_mail(email: str, context: dict[str, Any], *, now: datetime) -> None:
    """Do the work of queueing a mail, without sending one.

    The response time therefore does not reveal whether an account exists, and no mail is sent to a
    stranger's address.
    """
    about = f"nobody:{digest_token(email)}"
    mail_context = context | {"password_reset_url": context["reset_url"]}
    mail.queue_mail(
        email, "account/email/password_reset_key.txt", mail_context, about=about, now=now
    )
    mail.withdraw_mails(about)


class MFAAdapter(DefaultMFAAdapter):
    def encrypt(self, text: str) -> str:
        return seal_text(text, MFA_SECRET)

    def decrypt(self, encrypted_text: str) -> str:
        return open_text(encrypted_text, MFA_SECRET)


class LoginForm(AllauthLoginForm):
    """Sign-in form, without the help text that links to the password reset, as the page does."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = ""


class SignupForm(AllauthSignupForm):
    """Sign-up with the invitation's address, which is shown, not editable, and not posted."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=150,
        validators=[validate_name],
        widget=forms.TextInput({"autocomplete": "name"}),
    )
    field_order = ("email", "name", "password1")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        invitation = remembered_invitation(context.request, now=clock())
        self.fields["email"].disabled = True
        self.initial["email"] = invitation.email if invitation else ""
