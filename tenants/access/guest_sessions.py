"""Guests: people without an account here, let in by a link, for a while and for what the link names.

A guest stands in the session of the browser. A person who is signed in is never a guest beside.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.views.decorators.cache import never_cache

SESSION_KEY = "visiting"
REMEMBERED_FOR = timedelta(
    hours=12
)  # so that a guest who returns too late is shown where to continue


@dataclass(frozen=True, slots=True)
class Guest:
    """Whom our own application sent, by its own reference, to the pages of one tenant."""

    tenant: str  # its reference
    role: str
    reference: str
    name: str
    return_url: str
    until: datetime
    link: str = ""  # the id of the one by which they came

    def is_over(self, *, now: datetime) -> bool:
        return self.until <= now


def start_session(request: HttpRequest, name: str, value: Any, *, until: datetime) -> None:
    """Begin a new session: nothing of the old one is kept, and its key is worthless."""
    request.session.flush()
    rotate_token(request)
    request.session[name] = value
    request.session.set_expiry(until)


def start_guest_session(request: HttpRequest, guest: Guest) -> None:
    value = asdict(guest) | {"until": guest.until.isoformat()}
    start_session(request, SESSION_KEY, value, until=guest.until + REMEMBERED_FOR)


def current_guest(request: HttpRequest) -> Guest | None:
    """Whoever was let in here, be the visit over or not."""
    if request.user.is_authenticated or SESSION_KEY not in request.session:
        return None
    stored = request.session[SESSION_KEY]
    return Guest(**stored | {"until": datetime.fromisoformat(stored["until"])})


def protect_secret_url(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Before a page whose address holds a token: nobody keeps the page, and nobody is told the address.

    `no-referrer` would tell as little, but makes browsers send a form with `Origin: null`, which CSRF refuses.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response.headers.setdefault("Referrer-Policy", "strict-origin")
        return response

    return never_cache(guarded)
