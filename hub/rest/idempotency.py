"""Idempotency-Key: a repeated request gets the first response, and its changes are made once.

A request is known by its method, address and body. The first responses are rows that belong to the
API key; their model is in a package above this one.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from django.db import IntegrityError, transaction
from django.db.models import Manager
from rest_framework.request import Request
from rest_framework.response import Response

from hub.problems import Problem

KEY_PATTERN = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")


class StoredAnswer(Protocol):
    """The row of a first response; `digest` is that of the request."""

    @property
    def digest(self) -> str: ...

    @property
    def answer(self) -> dict[str, Any]: ...

    @property
    def status(self) -> int: ...

    @property
    def location(self) -> str: ...


@dataclass(frozen=True, slots=True)
class IdempotentAnswer:
    body: dict[str, Any]
    status: int = 202
    location: str = ""
    # sent in the first answer only, for example a generated secret
    unstored_fields: Mapping[str, str] = field(default_factory=dict)

    def response(self, **headers: str) -> Response:
        if self.location:
            headers["Location"] = self.location
        return Response({**self.body, **self.unstored_fields}, status=self.status, headers=headers)


def run_once(
    request: Request, perform: Callable[[], IdempotentAnswer], *, body: Any = None, now: datetime
) -> Response:
    """Run `perform` and store its response in one transaction; a known key returns the stored one.

    An error is not stored, so the request may be corrected and sent again with the same key. `body`
    replaces the request's body in the comparison if the latter contains secrets. Raises Problem
    ("idempotency-key-reused") if the key was used for another request.
    """
    key = idempotency_key(request)
    if key is None:
        with transaction.atomic():
            return perform().response()
    digest = _digest_request(request, request.data if body is None else body)
    try:
        with transaction.atomic():
            if first := _find_first_answer(request, key):
                return replay_answer(first, digest)
            answer = perform()
            _store_answer(request, key, digest, answer, now=now)
            return answer.response()
    except IntegrityError:  # the same request arrived twice at once, and the other was stored first
        if first := _find_first_answer(request, key):
            return replay_answer(first, digest)
        raise


def find_replay(request: Request, body: Any) -> Response | None:
    """Return the stored response of this key, for views that call another system before they write.

    None if there is none. Raises Problem ("idempotency-key-reused") if the key was used for
    another request.
    """
    key = idempotency_key(request)
    first = _find_first_answer(request, key) if key else None
    return replay_answer(first, _digest_request(request, body)) if first else None


def idempotency_key(request: Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not KEY_PATTERN.fullmatch(key):
        raise Problem(
            "validation-failed",
            "The Idempotency-Key header must have 1 to 255 printable ASCII characters.",
        )
    return key


def _digest_request(request: Request, body: Any) -> str:
    """Return the SHA-256 of method, address and body; the order of the body's keys is ignored."""
    content = [request.method, request.get_full_path(), body]
    return hashlib.sha256(
        json.dumps(content, sort_keys=True, separators=(",", ":"), default=repr).encode()
    ).hexdigest()


def _answers_of_key(request: Request) -> Manager[Any]:
    """Return the manager of the key's first responses, whose model is in a package above."""
    key: Any = request.auth  # an API key
    answers: Manager[Any] = key.idempotency_set
    return answers


def _find_first_answer(request: Request, key: str) -> StoredAnswer | None:
    first: StoredAnswer | None = _answers_of_key(request).filter(key=key).first()
    return first


def replay_answer(first: StoredAnswer, digest: str) -> Response:
    if first.digest != digest:
        raise Problem("idempotency-key-reused")
    return IdempotentAnswer(first.answer, first.status, first.location).response(
        **{"Idempotency-Replayed": "true"}
    )


def _store_answer(
    request: Request, key: str, digest: str, answer: IdempotentAnswer, *, now: datetime
) -> None:
    _answers_of_key(request).create(
        key=key,
        digest=digest,
        status=answer.status,
        answer=answer.body,
        location=answer.location,
        created_at=now,
    )
