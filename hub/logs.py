"""Logging: one line of JSON for each event, with the ids of the objects concerned.

The ids are in structlog's context: the request's id is bound here, the key's and the tenant's when
these are known, a delivery's by the pump.
"""

import logging.config
import re
import sys
from collections.abc import Callable, ItemsView, MutableMapping
from functools import lru_cache
from threading import Lock
from time import monotonic, perf_counter
from traceback import walk_tb
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse
from django.views.debug import SafeExceptionReporterFilter
from structlog.contextvars import bind_contextvars, clear_contextvars, merge_contextvars

from hub.crypto.redaction import MASK, redact_excerpt, redact_text, shorten
from hub.db.ids import uuid7

MAX_VALUE_LENGTH = 2000  # characters of one value
MAX_TERM_LENGTH = 60  # characters
MAX_TRACEBACK_LENGTH = 20_000
TRACEBACK_SECONDS = 60.0  # the same one is written once in this time
REFUSAL_STATUSES = frozenset((401, 413, 429, 503))  # of requests that are refused on purpose
REFUSAL_LINES, REFUSAL_SECONDS = 10, 60.0  # lines in this time, of a route and status
INBOUND_ID_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")

# Levels of loggers that would log too much: statements with parameters, contexts, bodies.
LOGGER_LEVELS = {
    "django.db.backends": "INFO",
    "django.security.DisallowedHost": "CRITICAL",  # any scanner causes it, with a traceback
    "django-q": "WARNING",  # a line for each wake-up
    "django.template": "INFO",
    "oauthlib": "WARNING",
    "urllib3": "WARNING",
}
# These log the URL of a request, which may contain a webhook's key. RequestIdMiddleware logs each
# request without it.
ADDRESS_LOGGERS = ("django.request", "django.security.csrf", "django.server")


def configure(options: dict[str, Any]) -> None:
    """Configure structlog and logging; the setting LOGGING_CONFIG names this function."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": build_formatter}},
            "filters": {"no_address": {"()": lambda: _filter_answer}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"handlers": ["stderr"], "level": options["level"]},
            "loggers": {
                "django": {"handlers": [], "level": "NOTSET", "propagate": True},
                **{
                    name: {"handlers": [], "level": level, "propagate": True}
                    for name, level in LOGGER_LEVELS.items()
                },
                **{
                    name: {"filters": ["no_address"], "level": "ERROR", "propagate": True}
                    for name in ADDRESS_LOGGERS
                },
            },
        }
    )


def _filter_answer(record: logging.LogRecord) -> bool:
    """Remove the address; drop the line of a refusal, which RequestIdMiddleware logs."""
    status = getattr(record, "status_code", "")
    record.msg, record.args = f"answered {status}", ()
    return status not in REFUSAL_STATUSES or bool(record.exc_info)


def build_formatter() -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            merge_contextvars,
            TracebackOnce(monotonic),
            structlog.processors.format_exc_info,
            _sanitize_event,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.JSONRenderer(),
        ],
    )


class TracebackOnce:
    """Leave out a traceback that was written within the last minute; its error is still named.

    While the database is away each request would write the same 6 kB.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock  # monotonic, seconds
        self._written_at: dict[tuple[object, ...], float] = {}

    def __call__(
        self, logger: Any, method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        error = find_error(event.get("exc_info"))
        if error is not None and self._was_written(str(event.get("logger", "")), error):
            del event["exc_info"]
            event["error"] = type(error).__name__
        return event

    def _was_written(self, logger_name: str, error: BaseException) -> bool:
        # the whole way: errors of a database are all raised in the same line
        places = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
        key, now = (logger_name, type(error), *places), self._clock()
        self._written_at = {
            other: at for other, at in self._written_at.items() if now - at < TRACEBACK_SECONDS
        }
        if key in self._written_at:
            return True
        self._written_at[key] = now
        return False


def find_error(exc_info: Any) -> BaseException | None:
    """Return the error of a logger's `exc_info`: True, an error, or a tuple of sys.exc_info()."""
    if isinstance(exc_info, BaseException):
        return exc_info
    error = exc_info[1] if isinstance(exc_info, tuple) else None
    if isinstance(error, BaseException):
        return error
    return sys.exception() if exc_info is True else None


def _sanitize_event(logger: Any, method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """Return the event without secrets, control characters and overlong values of outsiders."""
    traceback = event.pop("exception", None)
    sanitized = {
        name: value if _is_plain_value(value) else _sanitize_value(value)
        for name, value in event.items()
    }
    if traceback is not None:
        lines = redact_text(traceback[-MAX_TRACEBACK_LENGTH:]).splitlines()
        sanitized["traceback"] = [shorten(line, MAX_VALUE_LENGTH) for line in lines]
    return sanitized


def _is_plain_value(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float)


def _sanitize_value(value: Any) -> str:
    text = str(value)
    return _sanitize_term(text) if len(text) <= MAX_TERM_LENGTH else _sanitize_text(text)


def _sanitize_text(text: str) -> str:
    return shorten(redact_excerpt(text, MAX_VALUE_LENGTH + 1), MAX_VALUE_LENGTH)


# the names of events, loggers and routes, which are in very many lines
_sanitize_term = lru_cache(maxsize=1000)(_sanitize_text)


def begin_request(inbound_id: str) -> str:
    """Return a request's id, valid inbound or new; the lines of its context contain it."""
    request_id = inbound_id if INBOUND_ID_PATTERN.fullmatch(inbound_id) else str(uuid7())
    clear_contextvars()
    bind_contextvars(request_id=request_id)
    return request_id


class RequestLog:
    """Log a line for each answered request, and for few of those that were refused; thread-safe.

    A flood of refused requests would otherwise write a line for each of them.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock  # monotonic, seconds
        self._lock = Lock()
        # when the time of a route and status began, and its requests
        self._refusals: dict[tuple[str | None, int], tuple[float, int]] = {}

    def write(self, method: str | None, route: str | None, status: int, started_at: float) -> None:
        """Log a request; `started_at`: by perf_counter(). `left_out`: requests without a line."""
        details: dict[str, int] = {}
        if status in REFUSAL_STATUSES:
            left_out = self.count_refusal(route, status)
            if left_out is None:
                return
            if left_out:
                details["left_out"] = left_out
        log.info(
            "request",
            method=method,
            route=route,
            status=status,
            milliseconds=round((perf_counter() - started_at) * 1000, 1),
            **details,
        )

    def count_refusal(self, route: str | None, status: int) -> int | None:
        """Return None if the request gets no line, else how many before it got none."""
        now = self._clock()
        with self._lock:
            began_at, count = self._refusals.get((route, status), (now, 0))
            if now - began_at < REFUSAL_SECONDS:
                self._refusals[route, status] = began_at, count + 1
                return 0 if count < REFUSAL_LINES else None
            self._refusals[route, status] = now, 1
            return max(0, count - REFUSAL_LINES)


class RequestIdMiddleware:
    """Give each request an id, or keep a valid inbound one, and log one line with its result.

    The line contains the route, never the URL, which may contain a webhook's key or an OAuth code.
    Lines of refused requests are limited.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.request_log = RequestLog()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = begin_request(request.headers.get("X-Request-Id", ""))
        request.request_id = request_id  # type: ignore[attr-defined]  # an attribute of ours
        started_at = perf_counter()
        response = self.get_response(request)
        response.headers["X-Request-Id"] = request_id
        route = request.resolver_match.route if request.resolver_match else None
        self.request_log.write(request.method, route, response.status_code, started_at)
        return response


class ReporterFilter(SafeExceptionReporterFilter):
    """Limit the META of exception reports to SHOWN_META: it may hold the process's environment."""

    SHOWN_META = {
        "CONTENT_LENGTH",
        "CONTENT_TYPE",
        "REMOTE_ADDR",
        "REQUEST_METHOD",
        "SERVER_NAME",
        "SERVER_PORT",
        "SERVER_PROTOCOL",
    }
    HIDDEN_META = {
        "HTTP_AUTHORIZATION",
        "HTTP_COOKIE",
        "HTTP_PROXY",
        "HTTP_PROXY_AUTHORIZATION",
        "HTTP_REFERER",
    }

    def is_active(self, request: HttpRequest | None) -> bool:
        return True  # also in development

    def get_safe_request_meta(self, request: HttpRequest) -> dict[str, Any]:
        return {
            name: redact_text(str(value))
            for name, value in super().get_safe_request_meta(request).items()
            if name in self.SHOWN_META
            or (name.startswith("HTTP_") and name not in self.HIDDEN_META)
        }

    def get_safe_cookies(self, request: HttpRequest | None) -> dict[str, str]:
        return dict.fromkeys(request.COOKIES, self.cleansed_substitute) if request else {}

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, str]:
        return dict.fromkeys(request.POST, self.cleansed_substitute) if request else {}

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: Any
    ) -> ItemsView[str, Any]:
        variables = super().get_traceback_frame_variables(request, tb_frame)
        return {name: self.masked_value(name, value) for name, value in variables}.items()

    def masked_value(self, name: str, value: Any) -> str:
        return (
            MASK
            if self.hidden_settings.search(name)
            else shorten(redact_excerpt(repr(value), MAX_VALUE_LENGTH + 1), MAX_VALUE_LENGTH)
        )


log = structlog.get_logger(__name__)
