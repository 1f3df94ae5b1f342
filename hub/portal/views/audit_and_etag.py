"""What a visitor does: told to the audit, and answered in a sentence."""

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
    """One audit row, with who, from where, and whose; joins the transaction."""
    ActorContext.of_visitor(request, tenant_user).audit(
        audit_verb, subject, tenant=tenant_user.tenant, now=now, **details
    )


def respond_if_modified(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """304 where the browser has this part of a page already."""
    etag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    return get_conditional_response(request, etag=etag, response=response) or response
