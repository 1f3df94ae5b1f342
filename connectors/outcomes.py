"""What one attempt came to: delivered, later, never, refresh, reconnect, disable, unknown or pending."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from connectors.wire import Response, Scope, Unreadable, retry_after

Kind = Literal["app", "account", "connection", "method", "channel", "host", "address"]


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose quota a request spends. `method` and `channel` are within the account; the hub completes the key."""

    kind: ScopeKind
    name: str = ""


Spends = tuple[tuple[Scope, int], ...]


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `limit` units in any `per` seconds."""

    limit: int
    per: float
    shape: Literal["rate"] = "rate"


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `limit` units in a window of `per` seconds, rolling or fixed by the provider; corrected by its headers."""

    limit: int
    per: float = 86400.0
    shape: Literal["budget"] = "budget"


@dataclass(frozen=True, slots=True)
class InFlight:
    """At most `limit` calls at the same time."""

    limit: int
    shape: Literal["in_flight"] = "in_flight"


Quota = Rate | Budget | InFlight


@dataclass(frozen=True, slots=True)
class Report:
    """What an answer says of a quota: units used and allowed, seconds until it is whole again (None: not told)."""

    scope: Scope
    used: int
    limit: int
    resets_in: float | None = None


# --- what is sent and what comes back --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """What a connector may know of one connection. Secrets have no repr."""

    secret: Mapping[str, Any]
    urls: Mapping[str, str] = field(default_factory=dict)
    account: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def access(self) -> str:
        return str(self.secret.get("access_token", ""))

    def __repr__(self) -> str:
        return f"<Credential of {self.account or 'an account'}: ***>"


@dataclass(frozen=True, slots=True)
class Message:
    """One delivery on its way: `id` is the outward id, the same over all attempts; `raw` the rendered JSON bytes."""

    id: str
    body: Mapping[str, Any]
    raw: bytes
    at: datetime  # the moment of this attempt, aware
    type: str = ""
    tenant: str = ""  # the tenant's reference in our own application
    attempt: int = 1
    ticket: str = ""  # what `pending` left behind, to be asked about again

    def __getitem__(self, key: str) -> Any:
        return self.body[key]

    def get(self, key: str, default: Any = None) -> Any:
        return self.body.get(key, default)


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """An HTTP request to be sent by egress. At most one of `json`, `form` and `body`; `spends` as (scope, cost) pairs."""

    method: str
    url: str
    json: Json = None
    form: Mapping[str, str] | None = None
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    bearer: str = ""
    spends: Spends = ()
    keep: int = KEPT  # bytes of the answer to read

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.url.partition('?')[0]}>"

    def content(self) -> bytes:
        """The body as bytes; compact JSON in UTF-8 where `json` is given."""
        if self.json is not None:
            return dumps(self.json)
        if self.form is not None:
            from_pairs = [(key, value) for key, value in self.form.items()]
            return encode_form(from_pairs)
        return self.body or b""

    def all_headers(self) -> dict[str, str]:
        """Headers with the content type that the body implies and the bearer, as they go on the wire."""
        headers = dict(self.headers)
        names = {name.lower() for name in headers}
        if "content-type" not in names:
            if self.json is not None:
                headers["Content-Type"] = "application/json; charset=utf-8"
            elif self.form is not None:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
        if self.bearer and "authorization" not in names:
            headers["Authorization"] = f"Bearer {self.bearer}"
        return headers


@dataclass(frozen=True, slots=True, repr=False)
class Response:
    """An HTTP answer as read: header names in lower case, at most `Request.keep` bytes of body, `at` when it came."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    at: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    cut: bool = False  # the body was longer than was read

    def __repr__(self) -> str:
        return f"<Response {self.status}, {len(self.body)} bytes>"

    def json(self) -> Json:
        """The parsed body; raises Unreadable."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise Unreadable(type(error).__name__) from error

    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


class Unreadable(ValueError):
    """An answer that is not what the system documents."""


def dumps(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def encode_form(pairs: Sequence[tuple[str, str]]) -> bytes:
    from urllib.parse import urlencode

    return urlencode(pairs).encode()


_SECONDS = re.compile(r"[0-9]{1,18}(\.[0-9]+)?", re.ASCII)


def retry_after(response: Response) -> float | None:
    """Seconds to wait by the Retry-After header, in [1, 86400]; None where it says nothing usable. Never raises."""
    value = response.headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(value):
        wait = float(value)
    else:
        try:
            moment = parsedate_to_datetime(value)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            wait = (moment - response.at).total_seconds()
        except (ValueError, TypeError, OverflowError, IndexError):
            return None
    return min(max(wait, 1.0), RETRY_AFTER_MOST) if math.isfinite(wait) else None


# --- what it meant ---------------------------------------------------------------------------------------------------

Kind = Literal["delivered", "later", "never", "refresh", "reconnect", "disable", "unknown", "pending"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attempt came to.

    `reason` is a stable code, `says` the system's own words, `reference` their id of what was made. `after` is in
    seconds. `pauses` are the scopes that rest for `after`. `free` costs no attempt. `ticket` is for `pending`.
    """

    kind: Kind
    reason: str = ""
    says: str = ""
    reference: str = ""
    after: float | None = None
    pauses: tuple[Scope, ...] = ()
    free: bool = False
    ticket: str = ""


def delivered(reference: str = "", *, says: str = "") -> Outcome:
    return Outcome("delivered", reference=reference, says=says)


def later(
    reason: str, says: str = "", *, after: float | None = None, pauses: tuple[Scope, ...] = (), free: bool = False
) -> Outcome:
    """Not now: it surely had no effect, and may go again."""
    return Outcome("later", reason, says, after=after, pauses=pauses, free=free)


def throttled(says: str = "", *, after: float | None = None, pauses: tuple[Scope, ...] = ()) -> Outcome:
    """The quota is spent: the scopes rest for `after`; costs no attempt."""
    return later("throttled", says, after=after, pauses=pauses, free=True)


def maintenance(says: str = "", *, after: float | None = None) -> Outcome:
    """The system says that it is under maintenance; costs no attempt."""
    return later("maintenance", says, after=after, free=True)


def never(reason: str, says: str = "") -> Outcome:
    """It is refused for good: the same again would be refused again."""
    return Outcome("never", reason, says)


def refresh(reason: str, says: str = "") -> Outcome:
    """The access token has ended: refresh it once, then again."""
    return Outcome("refresh", reason, says)


def reconnect(reason: str, says: str = "") -> Outcome:
    """The authorization has ended, or was never right: only a person can mend it."""
    return Outcome("reconnect", reason, says)


def disable(reason: str, says: str = "") -> Outcome:
    """The receiver wants no more of this (410 Gone)."""
    return Outcome("disable", reason, says)


def unknown(reason: str, says: str = "", *, after: float | None = None) -> Outcome:
    """It may have arrived."""
    return Outcome("unknown", reason, says, after=after)


def pending(ticket: str, *, after: float) -> Outcome:
    """Taken, not yet confirmed: ask again after so many seconds."""
    return Outcome("pending", "awaiting_confirmation", after=after, ticket=ticket)


def readable(read: Callable[[], list[Outcome]], response: Response, count: int) -> list[Outcome]:
    """Reading an answer never raises: what cannot be read may have had its effect."""
    try:
        outcomes = read()
    except (Unreadable, KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        return [unknown("unreadable", f"{response.status}, {type(error).__name__}")] * count
    if len(outcomes) != count:
        return [unknown("unreadable", f"{len(outcomes)} answers to {count} messages")] * count
    return outcomes


def standing(response: Response, *, pauses: tuple[Scope, ...] = ()) -> Outcome | None:
    """What a status means in every system, where the system's own words do not say more; None below 400 and for 3xx."""
    status, says = response.status, response.text()[:300]
    if status == 429:
        return throttled(says, after=retry_after(response), pauses=pauses)
    if status == 503:
        return later("unavailable", says, after=retry_after(response))
    if status in (408, 425):
        return later(f"status_{status}", says, after=retry_after(response))
    if status >= 500:
        return unknown(f"status_{status}", says)
    if status == 401:
        return reconnect("unauthorized", says)
    if status >= 400:
        return never(f"status_{status}", says)
    return None
