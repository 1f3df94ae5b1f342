"""A WSGI handler with a short chain of middleware, for paths that only programs call."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.utils.module_loading import import_string

WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class ShortChainHandler(WSGIHandler):
    """Django's handler with this middleware (dotted paths) instead of settings.MIDDLEWARE.

    Only the middlewares' `__call__` is used, not their other hooks: these views handle their own
    exceptions. Sessions, CSRF and sign-in would cost a webhook as much as its verification and
    storage.
    """

    def __init__(self, middleware: Sequence[str]) -> None:
        self.middleware = middleware
        super().__init__()

    def load_middleware(self, is_async: bool = False) -> None:
        """Build the chain, as BaseHandler does for settings.MIDDLEWARE."""
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        handler = convert_exception_to_response(
            self._get_response  # type: ignore[attr-defined]  # not in the stubs
        )
        for path in reversed(self.middleware):
            handler = convert_exception_to_response(import_string(path)(handler))
        self._middleware_chain = handler


def route_by_path(special: Mapping[str, WSGI], otherwise: WSGI) -> WSGI:
    """Return an application that dispatches a request by the prefix of its path."""

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        special_wsgi = next(
            (wsgi for prefix, wsgi in special.items() if path.startswith(prefix)), None
        )
        return (special_wsgi or otherwise)(environ, start_response)

    return application
