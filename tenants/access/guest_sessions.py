"""Guest sessions: access by a portal link, without an account, for one tenant and a limited time.

The guest is stored in the session of the browser. A signed-in user is never a guest at the same
time.
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
# so that a guest who returns too late is shown where to continue
REMEMBERED_FOR = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Guest:
    """A person whom our own application sent to a tenant's pages, known by its reference."""

    tenant: str  # its reference
    role: str
    reference: str
    name: str
    return_url: str
    until: datetime
    link: str = ""  # the public id of the portal link

    def is_over(self, *, now: datetime) -> bool:
        return self.until <= now


def start_session(request: HttpRequest, name: str, value: Any, *, until: datetime) -> None:
    """Begin a new session with only this value: data and key of the old session are gone."""
    request.session.flush()
    rotate_token(request)
    request.session[name] = value
    request.session.set_expiry(until)


def start_guest_session(request: HttpRequest, guest: Guest) -> None:
    value = asdict(guest) | {"until": guest.until.isoformat()}
    start_session(request, SESSION_KEY, value, until=guest.until + REMEMBERED_FOR)


def current_guest(request: HttpRequest) -> Guest | None:
    """Return this session's guest, even if the visit has ended; None without, or for a user."""
    if request.user.is_authenticated or SESSION_KEY not in request.session:
        return None
    stored = request.session[SESSION_KEY]
    return Guest(**stored | {"until": datetime.fromisoformat(stored["until"])})


def protect_secret_url(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Decorate a view whose URL contains a token: it is neither cached nor sent as a referrer.

    `no-referrer` would protect the URL as well, but makes browsers send forms with `Origin: null`,
    which CSRF protection rejects.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        response.headers.setdefault("Referrer-Policy", "strict-origin")
        return response

    return never_cache(guarded)
