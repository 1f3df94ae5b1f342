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

KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")


@dataclass(frozen=True, slots=True)
class Answer:
    body: dict[str, Any]
    status: int = 202
    location: str = ""
    unkept: Mapping[str, str] = field(default_factory=dict)  # told now and never again, such as a secret that was made

    def response(self, **headers: str) -> Response:
        if self.location:
            headers["Location"] = self.location
        return Response({**self.body, **self.unkept}, status=self.status, headers=headers)


def once(request: Request, act: Callable[[], Answer], *, said: Any = None, now: datetime) -> Response:
    """What `act` writes and its answer are kept in one transaction. A refusal is not kept: it may be mended.

    `said` stands for a body that holds secrets.
    """
    name = key_of(request)
    if name is None:
        with transaction.atomic():
            return act().response()
    digest = digest_of(request.data if said is None else said)
    try:
        with transaction.atomic():
            if first := first_answer(request, name):
                return again(first, digest)
            answer = act()
            keep(request, name, digest, answer, now=now)
            return answer.response()
    except IntegrityError:  # the same request came twice at one moment, and the other was first
        if first := first_answer(request, name):
            return again(first, digest)
        raise


def answered(request: Request, said: Any) -> Response | None:
    """The first answer, where there is one: for what must call out before it writes."""
    name = key_of(request)
    first = first_answer(request, name) if name else None
    return again(first, digest_of(said)) if first else None


def key_of(request: Request) -> str | None:
    name = request.headers.get("Idempotency-Key")
    if name is not None and not KEY.fullmatch(name):
        raise Problem("validation-failed", "The header Idempotency-Key takes 1 to 255 printable ASCII characters.")
    return name


def digest_of(body: Any) -> str:
    """SHA-256 of what the body says, whatever the order of its names."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def first_answer(request: Request, name: str) -> Any:
    return request.auth.idempotency_set.filter(key=name).first()


def again(first: Any, digest: str) -> Response:
    if first.digest != digest:
        raise Problem("idempotency-key-reused")
    return Answer(first.answer, first.status, first.location).response(**{"Idempotency-Replayed": "true"})


def keep(request: Request, name: str, digest: str, answer: Answer, *, now: datetime) -> None:
    request.auth.idempotency_set.create(
        key=name,
        digest=digest,
        status=answer.status,
        answer=answer.body,
        location=answer.location,
        created_at=now,
    )
