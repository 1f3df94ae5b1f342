"""Determine the owner of a new route or field mapping, and translate field names in errors."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework.request import Request

from hub.outgoing.api.key_user import get_key_user
from hub.problems import Problem
from tenants.access.api_authentication import AnyRow, resolve_tenant
from tenants.models import Tenant
from tenants.scoping import changeable_rows, is_among

PLATFORM_ONLY = "Only a platform key can create what applies to all tenants."
FIELDS_BY_COLUMN = {"connector_key": "connector", "origin_connector_key": "origin_connector"}


def resolve_owner(request: Request, data: Mapping[str, Any]) -> Tenant | None:
    """Return the tenant in the body; None if it is null, which only a platform key may send."""
    if "tenant" in data and data["tenant"] is None:
        if get_key_user(request).tenant is not None:
            raise Problem("permission-denied", PLATFORM_ONLY)
        return None
    return resolve_tenant(request, data.get("tenant"))


def find_changeable_row(
    request: Request, rows: QuerySet[AnyRow], id: UUID, *, shared: str
) -> AnyRow:
    """Return the row with this public id among those that the key may see.

    Raises Http404, and Problem with the text `shared` if the row applies to all tenants and the key
    belongs to one.
    """
    row = get_object_or_404(rows, public_id=id)
    if not is_among(changeable_rows, request.user, row):
        raise Problem("permission-denied", shared)
    return row


@contextmanager
def translate_field_names() -> Iterator[None]:
    """Rename the fields in a ValidationError from the model's names to those of REST."""
    try:
        yield
    except ValidationError as error:
        problems = {
            FIELDS_BY_COLUMN.get(name, name): problem for name, problem in error.error_dict.items()
        }
        raise ValidationError(problems) from error
