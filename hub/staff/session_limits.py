"""Limits of staff sessions: eight hours at most, and one hour without activity."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.base import SessionBase
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from hub.db.clock import clock

SIGNED_IN_AT, ACTIVE_AT = "signed_in_at", "active_at"  # in the session, in seconds
SESSION_LIFETIME, IDLE_LIMIT = timedelta(hours=8), timedelta(hours=1)
ACTIVITY_STORED_EVERY = timedelta(minutes=1)  # so that not every request writes the session


class StaffSessionMiddleware(MiddlewareMixin):
    """End staff sessions beyond the limits; place it after AuthenticationMiddleware.

    The session is checked when the request's `user` is first read.
    """

    def process_request(self, request: HttpRequest) -> None:
        user = request.user
        request.user = SimpleLazyObject(  # type: ignore[assignment]  # as Django's middleware does
            lambda: user_within_limits(request, user)
        )


def user_within_limits(request: HttpRequest, user: Any) -> Any:
    """Return the signed-in user; delete an expired staff session and return AnonymousUser."""
    if not (user.is_authenticated and user.is_staff):
        return user
    now = clock()
    if _is_session_over(request.session, now=now):
        request.session.flush()
        text = _(
            "You were signed out. Staff sessions end after 8 hours, or after 1 hour "
            "without activity."
        )
        messages.info(request, text, fail_silently=True)
        return AnonymousUser()
    if not is_background_request(request):
        store_activity(request.session, now=now)
    return user


def _is_session_over(session: SessionBase, *, now: datetime) -> bool:
    """Return whether the session is over; one without a stored start is from before this limit."""
    signed_in_at = float(session.get(SIGNED_IN_AT, 0))
    active_at = float(session.get(ACTIVE_AT, 0))
    timestamp = now.timestamp()
    idle_seconds = timestamp - max(signed_in_at, active_at)
    return (
        timestamp - signed_in_at > SESSION_LIFETIME.total_seconds()
        or idle_seconds > IDLE_LIMIT.total_seconds()
    )


def is_background_request(request: HttpRequest) -> bool:
    """Return whether the page itself sent the request (polling), which is no activity."""
    return request.method == "GET" and request.headers.get("HX-Request") == "true"


def store_activity(session: SessionBase, *, now: datetime) -> None:
    elapsed = now.timestamp() - session.get(ACTIVE_AT, 0)
    if elapsed > ACTIVITY_STORED_EVERY.total_seconds():
        session[ACTIVE_AT] = now.timestamp()


@receiver(user_logged_in)
def start_session_limits(request: HttpRequest, **signal: Any) -> None:
    """Store the start of every session, since a user may become staff while signed in."""
    request.session[SIGNED_IN_AT] = request.session[ACTIVE_AT] = clock().timestamp()
