"""Limits of password attempts: for one account from one address, and from all addresses together.

Wrong passwords of others do not lock a user out: a browser in which the user has signed in before,
or has set a new password by mail, has its own count.
"""

import hashlib
from datetime import timedelta
from typing import Any

from allauth.account.signals import password_reset, user_logged_in
from allauth.core.internal import ratelimit
from django.conf import settings
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

PER_ADDRESS, ALL_ADDRESSES = "login_failed", "login_failed_everywhere"  # in ACCOUNT_RATE_LIMITS
COOKIE, COOKIE_LIFETIME = "known_browser", timedelta(days=180)
CONFIRMED_BY_MAIL = "password_set_for"  # in the session


class SignInAttempt:
    """One attempt to sign in at one account; it counts until it is rolled back."""

    def __init__(self, request: HttpRequest, email: str, address: str) -> None:
        self.request, self.email = request, email.lower()
        self.is_known_browser = is_known_browser(request, self.email)
        origin = "known" if self.is_known_browser else ratelimit.truncate_ip(address)
        self.keys = {PER_ADDRESS: f"{self.email}|{origin}"}
        if not self.is_known_browser:
            self.keys[ALL_ADDRESSES] = self.email
        self.usages: list[ratelimit.RateLimitUsage] = []

    def consume_limits(self) -> bool:
        """Count the attempt; return False, and count nothing, if a limit is reached."""
        for action, key in self.keys.items():
            usage = ratelimit.consume(self.request, app="allauth.account", action=action, key=key)
            if not usage:
                self.roll_back()
                return False
            self.usages.append(usage)
        return True

    def roll_back(self) -> None:
        for usage in self.usages:
            usage.rollback()
        self.usages = []

    def clear(self) -> None:
        for action, key in self.keys.items():
            ratelimit.clear(self.request, app="allauth.account", action=action, key=key)


def is_known_browser(request: HttpRequest, email: str) -> bool:
    digest = email_digest(email)
    cookie = request.get_signed_cookie(COOKIE, default=None, salt=COOKIE, max_age=COOKIE_LIFETIME)
    return digest in (cookie, request.session.get(CONFIRMED_BY_MAIL))


def email_digest(email: str) -> str:
    return hashlib.sha256(email.lower().encode("utf-8", "replace")).hexdigest()[:32]


@receiver(user_logged_in)
def remember_browser(
    request: HttpRequest, response: HttpResponse, user: Any, **signal: Any
) -> None:
    response.set_signed_cookie(
        COOKIE,
        email_digest(user.email),
        salt=COOKIE,
        max_age=COOKIE_LIFETIME,
        path="/accounts/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


@receiver(password_reset)
def remember_confirmation(request: HttpRequest, user: Any, **signal: Any) -> None:
    request.session[CONFIRMED_BY_MAIL] = email_digest(user.email)
