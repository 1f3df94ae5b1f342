"""Audit actions of visitors, and answer unchanged page parts with 304."""

import hashlib
from datetime import datetime
from typing import Any

from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response

from hub.audit import ActorContext
from tenants.access.tenant_users import TenantUser


def record_visitor_action(
    request: HttpRequest,
    tenant_user: TenantUser,
    audit_verb: str,
    subject: models.Model,
    *,
    now: datetime,
    **details: Any,
) -> None:
    """Write one audit row for the visitor's action, in the caller's transaction."""
    ActorContext.of_visitor(request, tenant_user).audit(
        audit_verb, subject, tenant=tenant_user.tenant, now=now, **details
    )


def respond_if_modified(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Return the response with its ETag, or 304 if the browser already has the same content."""
    etag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    return get_conditional_response(request, etag=etag, response=response) or response
