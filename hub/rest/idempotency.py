"""Idempotency-Key: the same request again gets the first answer, and nothing happens twice.

The first answers are rows of the API key, in a room above this one.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from rest_framework.request import Request
from rest_framework.response import Response

from hub.problems import Problem

KEY_PATTERN = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")


@dataclass(frozen=True, slots=True)
class IdempotentAnswer:
    body: dict[str, Any]
    status: int = 202
    location: str = ""
    unstored: Mapping[str, str] = field(
        default_factory=dict
    )  # told now and never again, such as a secret that was made

    def response(self, **headers: str) -> Response:
        if self.location:
            headers["Location"] = self.location
        return Response({**self.body, **self.unstored}, status=self.status, headers=headers)


def run_once(
    request: Request, perform: Callable[[], IdempotentAnswer], *, body: Any = None, now: datetime
) -> Response:
    """What `act` writes and its answer are kept in one transaction. A refusal is not kept: it may be mended.

    `said` stands for a body that holds secrets.
    """
    key = idempotency_key(request)
    if key is None:
        with transaction.atomic():
            return perform().response()
    digest = _digest_body(request.data if body is None else body)
    try:
        with transaction.atomic():
            if first := _find_first_answer(request, key):
                return replay_answer(first, digest)
            answer = perform()
            _store_answer(request, key, digest, answer, now=now)
            return answer.response()
    except IntegrityError:  # the same request came twice at one moment, and the other was first
        if first := _find_first_answer(request, key):
            return replay_answer(first, digest)
        raise


def find_replay(request: Request, body: Any) -> Response | None:
    """The first answer, where there is one: for what must call out before it writes."""
    key = idempotency_key(request)
    first = _find_first_answer(request, key) if key else None
    return replay_answer(first, _digest_body(body)) if first else None


def idempotency_key(request: Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not KEY_PATTERN.fullmatch(key):
        raise Problem(
            "validation-failed",
            "The header Idempotency-Key takes 1 to 255 printable ASCII characters.",
        )
    return key


def _digest_body(body: Any) -> str:
    """SHA-256 of what the body says, whatever the order of its names."""
    return hashlib.sha256(
        json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    ).hexdigest()


def _find_first_answer(request: Request, key: str) -> Any:
    key_row: Any = request.auth
    return key_row.idempotency_set.filter(key=key).first()


def replay_answer(first: Any, digest: str) -> Response:
    if first.digest != digest:
        raise Problem("idempotency-key-reused")
    return IdempotentAnswer(first.answer, first.status, first.location).response(
        **{"Idempotency-Replayed": "true"}
    )


def _store_answer(
    request: Request, key: str, digest: str, answer: IdempotentAnswer, *, now: datetime
) -> None:
    key_row: Any = request.auth
    key_row.idempotency_set.create(
        key=key,
        digest=digest,
        status=answer.status,
        answer=answer.body,
        location=answer.location,
        created_at=now,
    )
