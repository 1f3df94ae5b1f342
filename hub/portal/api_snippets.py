"""The API call that matches a page, as a curl command."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.urls import ResolverMatch, reverse

from hub.portal.navigation import reverse_or_empty


@dataclass(frozen=True, slots=True)
class ApiSnippet:
    """An endpoint of the API that matches a page.

    `has_id`: its URL has the id of the page's object. `filters_by_tenant`: its query has the
    tenant.
    """

    url_name: str
    method: str = "GET"
    has_id: bool = False
    filters_by_tenant: bool = False
    query: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None


CONNECTION_SNIPPET = ApiSnippet("connection", has_id=True)
CONNECTORS_SNIPPET = ApiSnippet("connectors")
IDENTITIES_SNIPPET = ApiSnippet("connection_identities", has_id=True)
IDENTITY_BODY = {"kind": "user", "local_id": "…", "remote_id": "…"}
MAPPING_SNIPPET = ApiSnippet("mapping", has_id=True)
ENDPOINT_BODY = {"connector": "webhook", "name": "…", "settings": {"url": "https://…"}}
INVITATION_BODY = {"tenant": "…", "email": "…", "role": "member"}
JOB_BODY = {"name": "…", "kind": "report", "connector": "slack", "cron": "0 9 * * mon"}
SNIPPETS: Mapping[str, ApiSnippet] = {
    "portal:home": ApiSnippet("connections", filters_by_tenant=True),
    "portal:catalogue": CONNECTORS_SNIPPET,
    "portal:connect": CONNECTORS_SNIPPET,
    "portal:fill_in": CONNECTORS_SNIPPET,
    "portal:connection": CONNECTION_SNIPPET,
    "portal:connected": CONNECTION_SNIPPET,
    "portal:webhooks": ApiSnippet("sources", filters_by_tenant=True),
    "portal:source": ApiSnippet("source", has_id=True),
    "portal:gap": ApiSnippet("gap", has_id=True),
    "portal:connection_test_progress": ApiSnippet("connection_test", "POST", has_id=True),
    "portal:reconnect": ApiSnippet("connection_reconnect_link", "POST", has_id=True),
    "portal:disconnect": ApiSnippet(
        "connection_disconnect", "POST", has_id=True, body={"reason": "…"}
    ),
    "portal:notifications": CONNECTION_SNIPPET,
    "portal:connection_schema": ApiSnippet("schema", has_id=True),
    "portal:identities": IDENTITIES_SNIPPET,
    "portal:identity_say": IDENTITIES_SNIPPET,
    "portal:identity_remove": IDENTITIES_SNIPPET,
    "portal:identity_review": IDENTITIES_SNIPPET,
    "portal:identity_import": ApiSnippet(
        "connection_identities", "PUT", has_id=True, body=IDENTITY_BODY
    ),
    "portal:identity_fallbacks": ApiSnippet("connection_identity_fallbacks", has_id=True),
    "portal:integrations": ApiSnippet("integrations", filters_by_tenant=True),
    "portal:integration_new": ApiSnippet("recipes"),
    "portal:integration": ApiSnippet("integration", has_id=True),
    "portal:integration_change": ApiSnippet(
        "integration", "PATCH", has_id=True, body={"answers": {}}
    ),
    "portal:integration_upgrade": ApiSnippet("integration_upgrade", "POST", has_id=True),
    "portal:mappings": ApiSnippet("mappings", filters_by_tenant=True),
    "portal:upcoming": ApiSnippet("upcoming", filters_by_tenant=True),
    "portal:mapping": MAPPING_SNIPPET,
    "portal:mapping_edit": ApiSnippet("mapping", "PATCH", has_id=True, body={"body": {}}),
    "portal:mapping_versions": ApiSnippet("mapping_versions", has_id=True),
    "portal:events": ApiSnippet("deliveries", filters_by_tenant=True),
    "portal:incoming": ApiSnippet("inbound", filters_by_tenant=True),
    "portal:incoming_item": ApiSnippet("inbound_item", has_id=True),
    "portal:event": ApiSnippet("event", has_id=True),
    "portal:delivery": ApiSnippet("delivery", has_id=True),
    "portal:plan": ApiSnippet("operations", "POST", body={"kind": "retry", "reason": "…"}),
    "portal:operation": ApiSnippet("operation", has_id=True),
    "portal:jobs": ApiSnippet("jobs"),
    "portal:job": ApiSnippet("job", has_id=True),
    "portal:job_add": ApiSnippet("jobs", "POST", body=JOB_BODY),
    "portal:job_change": ApiSnippet("job", "PATCH", has_id=True, body={"name": "…"}),
    "portal:runs": ApiSnippet("runs", filters_by_tenant=True),
    "portal:runs_night": ApiSnippet("runs", filters_by_tenant=True),
    "portal:run": ApiSnippet("run", has_id=True),
    "portal:discrepancies": ApiSnippet("discrepancies", filters_by_tenant=True),
    "portal:discrepancy": ApiSnippet("discrepancy", has_id=True),
    "portal:log_shipping": ApiSnippet("logs", filters_by_tenant=True),
    "portal:repair_plan": ApiSnippet("discrepancy_repairs", "POST", body={"reason": "…"}),
    "portal:endpoints": ApiSnippet(
        "connections", filters_by_tenant=True, query={"connector": "webhook"}
    ),
    "portal:endpoint_add": ApiSnippet("connections", "POST", body=ENDPOINT_BODY),
    "portal:endpoint": CONNECTION_SNIPPET,
    "portal:endpoint_events": CONNECTION_SNIPPET,
    "portal:endpoint_headers": ApiSnippet(
        "connection", "PATCH", has_id=True, body={"secrets": {"headers": "X-Name: …"}}
    ),
    "portal:endpoint_pace": ApiSnippet(
        "connection", "PATCH", has_id=True, body={"settings": {"calls_a_second": "5"}}
    ),
    "portal:settings": ApiSnippet("tenant"),
    "people:members": ApiSnippet("members", filters_by_tenant=True),
    "connections:links": ApiSnippet("connect_links", filters_by_tenant=True),
}


# the names of rows in the URLs of the API, where they are not those of the pages
API_ROWS = {
    "endpoint": "connection",
    "incoming_item": "inbound_item",
    "webhook": "webhook_subscription",
}
JOB_RUNS = ApiSnippet("job_runs", "POST", has_id=True)
# the calls of actions that are not just a POST to the action, by row and action
ACTION_SNIPPETS: Mapping[str, ApiSnippet] = {
    "connection_rename": ApiSnippet("connection", "PATCH", has_id=True, body={"name": "…"}),
    "connection_enable": ApiSnippet("connection_resume", "POST", has_id=True),
    "job_start": JOB_RUNS,
    "job_dry": replace(JOB_RUNS, body={"dry": True}),
    "job_enable": ApiSnippet("job", "PATCH", has_id=True, body={"enabled": True}),
    "job_disable": ApiSnippet("job", "PATCH", has_id=True, body={"enabled": False}),
    "job_delete": ApiSnippet("job", "DELETE", has_id=True),
    "integration_remove": ApiSnippet("integration", "DELETE", has_id=True),
    "mapping_restore": ApiSnippet("mapping_restore", "POST", has_id=True, body={"version": 1}),
    "tenant_invite": ApiSnippet("invitations", "POST", body=INVITATION_BODY),
    "invitation_revoke": ApiSnippet("invitation", "DELETE", has_id=True),
    "member_change_role": ApiSnippet("member", "PATCH", has_id=True, body={"role": "admin"}),
    "member_remove": ApiSnippet("member", "DELETE", has_id=True),
    "source_read_missed": ApiSnippet(
        "source_read_missed", "POST", has_id=True, body={"from": "…", "to": "…"}
    ),
    "webhook_subscription_canary_on": ApiSnippet(
        "webhook_subscription_canary_on", "POST", has_id=True, body={"minutes": 60}
    ),
    "connect_link_revoke": ApiSnippet("connect_link", "DELETE", has_id=True),
    **{
        name: ApiSnippet(name, "POST", has_id=True, body={"reason": "…"})
        for name in ("connection_pause", "connection_disable", "discrepancy_ignore")
    },
}
# events without a route have no delivery
UNROUTED_EVENTS = ApiSnippet("events", filters_by_tenant=True)


def build_curl(request: HttpRequest, tenant: str, filters: dict[str, Any]) -> str:
    """Return the API call that matches this page as a curl command; empty if there is none.

    filters: the filters of the page, by the API's parameter names.
    """
    match = request.resolver_match
    snippet = _find_snippet(match) if match else None
    if match is None or snippet is None:
        return ""
    if filters.get("state") == "no_route":
        snippet = UNROUTED_EVENTS
    url_args = (
        [match.kwargs["id"]] if snippet.has_id else [tenant] if snippet.url_name == "tenant" else []
    )
    url = settings.HUB_PUBLIC_URL + reverse(snippet.url_name, args=url_args)
    command = ["curl", "-H", "Authorization: Bearer $HUB_KEY"]
    if snippet.method == "GET":
        query = ({"tenant": tenant} if snippet.filters_by_tenant else {}) | snippet.query | filters
        return quote_command([*command, f"{url}?{urlencode(query)}" if query else url])
    if snippet.url_name in ("operations", "discrepancy_repairs"):
        filters = {"tenant": tenant, "filter": filters}
    body = (snippet.body or {}) | filters
    body_args = (
        ["-H", "Content-Type: application/json", "-d", json.dumps(body, ensure_ascii=False)]
        if body
        else []
    )
    return quote_command([*command, "-X", snippet.method, *body_args, url])


def _find_snippet(match: ResolverMatch) -> ApiSnippet | None:
    """Return the call of a page; that of the page of an action is the action's own, if it has one.

    Otherwise the row is read.
    """
    row, is_action, _rest = match.view_name.removeprefix("portal:").partition("_do")
    if not is_action:
        return SNIPPETS.get(match.view_name)
    row = API_ROWS.get(row, row)
    name = f"{row}_{match.kwargs['verb']}"
    if name in ACTION_SNIPPETS:
        return ACTION_SNIPPETS[name]
    if not reverse_or_empty(name, match.kwargs["id"]):
        return ApiSnippet(row, has_id=True)
    return ApiSnippet(name, "POST", has_id=True)


def quote_command(command: list[str]) -> str:
    """Quote a command for a shell; $HUB_KEY stays a variable."""
    return " ".join(f'"{word}"' if "$HUB_KEY" in word else shlex.quote(word) for word in command)
