"""Pages of the schema of a connection's system: drift, the used objects, and their fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from connectors.object_schemas import SchemaField
from hub.connections.models import Connection
from hub.drift.descriptions import advise, describe_break, describe_change
from hub.drift.drift_actions import SCHEMA_ACTIONS
from hub.drift.models import DriftFinding, DriftSchedule, SchemaBaseline
from hub.drift.uses.connection_uses import find_connection_uses
from hub.drift.uses.schema_use import SchemaUse
from hub.portal.actions import ActionPages, build_action_view
from hub.portal.log.filter_chips import build_query_string
from hub.portal.log.pages import assemble_page, filter_after_cursor, parse_cursor
from hub.portal.navigation import reverse_object_page
from hub.portal.views.connections.own_connection import get_own_connection
from hub.reason_codes import find_reason
from hub.schemas.models import ObjectSchema
from hub.schemas.object_schemas import find_object_schema
from hub.schemas.type_labels import label_type
from tenants.access.tenant_users import TenantUser, tenant_view

PAGE_SIZE = 25
RESOLVED = "resolved"
NAMES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class UsedObject:
    """An object that routes or jobs use, with the time of its last comparison."""

    key: str
    label: str
    use_names: Sequence[str]
    more_count: int
    compared_at: datetime | None
    failure: str


@require_safe
@tenant_view()
def show_schema(request: HttpRequest, tenant_user: TenantUser, id: UUID) -> HttpResponse:
    """Show the open findings, or the resolved ones, and the objects in use."""
    connection = get_own_connection(tenant_user, id)
    state = RESOLVED if request.GET.get("state") == RESOLVED else ""
    schema = _find_shown_schema(connection, request.GET.get("object", ""))
    context = {
        "tenant_user": tenant_user,
        "connection": connection,
        "connector": connection.connector,
        "state": state,
        "schedule": DriftSchedule.unscoped.filter(connection=connection).first(),
        "objects": _list_used_objects(connection),
        "schema": schema,
        "fields": [
            {"row": field, "type": label_type(field.type)}
            for field in (_sort_fields(schema.schema_fields) if schema else ())
        ],
        **_build_findings_context(request, connection, state),
    }
    return render(request, "portal/schema/connection.html", context)


run_schema_action = build_action_view(
    ActionPages(
        actions=SCHEMA_ACTIONS,
        find=get_own_connection,
        find_page=lambda tenant_user, connection: reverse_object_page(
            "portal:connection_schema", tenant_user.tenant, connection
        ),
    )
)


def _build_findings_context(
    request: HttpRequest, connection: Connection, state: str
) -> Mapping[str, Any]:
    cursor = parse_cursor(request.GET)
    rows: QuerySet[DriftFinding] = DriftFinding.unscoped.filter(
        connection=connection, resolved_at__isnull=state != RESOLVED
    )
    ordered = filter_after_cursor(rows, cursor).order_by("pk" if cursor.before else "-pk")
    page = assemble_page(list(ordered[: PAGE_SIZE + 1]), cursor, PAGE_SIZE)
    data = {"state": state} if state else {}
    return {
        "findings": [
            _describe_finding(finding, connection.connector.label) for finding in page.rows
        ],
        "newer": build_query_string(data, before=page.newer) if page.newer else "",
        "older": build_query_string(data, after=page.older) if page.older else "",
    }


def _describe_finding(finding: DriftFinding, system: str) -> Mapping[str, Any]:
    return {
        "row": finding,
        "sentence": describe_change(finding),
        "advice": advise(finding),
        "breaks": [(entry, describe_break(entry, system=system)) for entry in finding.breaks],
    }


def _list_used_objects(connection: Connection) -> list[UsedObject]:
    """List the objects in use by label; four statements."""
    baselines = {
        row.object_key: row for row in SchemaBaseline.unscoped.filter(connection=connection)
    }
    uses = find_connection_uses(connection)
    system = connection.connector.label
    objects = [_describe_object(key, uses[key], baselines.get(key), system) for key in uses]
    return sorted(objects, key=lambda entry: (entry.label.casefold(), entry.key))


def _describe_object(
    key: str, uses: Sequence[SchemaUse], baseline: SchemaBaseline | None, system: str
) -> UsedObject:
    has_failed = baseline is not None and baseline.failed_at is not None
    names = list(dict.fromkeys(str(use.subject["name"]) for use in uses))
    return UsedObject(
        key=key,
        label=baseline.label if baseline else key,
        use_names=names[:NAMES_SHOWN],
        more_count=max(0, len(names) - NAMES_SHOWN),
        compared_at=baseline.compared_at if baseline else None,
        failure=find_reason(baseline.failure, system=system).sentence
        if baseline and has_failed
        else "",
    )


def _find_shown_schema(connection: Connection, object_key: str) -> ObjectSchema | None:
    return find_object_schema(connection, object_key) if object_key else None


def _sort_fields(fields: Sequence[SchemaField]) -> list[SchemaField]:
    """Return required fields first, then by label."""
    return sorted(fields, key=lambda field: (not field.required, field.label.casefold()))
