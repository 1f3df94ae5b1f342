"""What a visitor does: told to the audit, and answered in a sentence."""

import hashlib
from datetime import datetime
from typing import Any

from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response

from hub import audit
from tenants.visitors import Visitor


def note(request: HttpRequest, visitor: Visitor, verb: str, obj: models.Model, *, now: datetime, **said: Any) -> None:
    """One audit row, with who, from where, and whose; joins the transaction."""
    audit.record(
        actor=visitor.actor,
        verb=verb,
        obj=obj,
        tenant=visitor.tenant,
        request_id=getattr(request, "request_id", ""),
        ip=request.META.get("REMOTE_ADDR", ""),
        now=now,
        **said,
    )


def unless_known(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """304 where the browser has this part of a page already."""
    etag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    return get_conditional_response(request, etag=etag, response=response) or response
