"""Scopes of API keys: each is a resource and a verb, with a description."""

from typing import NamedTuple


class ApiScope(NamedTuple):
    meaning: str
    platform_only: bool = False  # a tenant's own key never has it


SCOPES = {
    "events:write": ApiScope("Send events"),
    "events:read": ApiScope("Read events and their deliveries"),
    "deliveries:read": ApiScope("Read deliveries and their attempts"),
    "deliveries:write": ApiScope("Retry, replay or cancel deliveries"),
    "routes:read": ApiScope("Read routes"),
    "routes:write": ApiScope("Create, change, try and delete routes"),
    "mappings:read": ApiScope("Read field mappings and their versions"),
    "mappings:write": ApiScope("Create, change, try and delete field mappings"),
    "integrations:read": ApiScope("Read ready-made integrations, and what each did"),
    "integrations:write": ApiScope(
        "Try, switch on, change, pause, upgrade and remove ready-made integrations"
    ),
    "switches:read": ApiScope("Read off switches and their reasons"),
    "switches:write": ApiScope("Switch sending off and on"),
    "connections:read": ApiScope("Read connections and their states"),
    "connections:write": ApiScope("Connect systems, and test, pause, change and disconnect them"),
    "connect-links:read": ApiScope("Read connect links and their states"),
    "connect-links:write": ApiScope("Create and revoke connect links"),
    "portal-links:read": ApiScope("Read portal links and their states"),
    "portal-links:write": ApiScope(
        "Create portal links that give access to a tenant's pages (at most as admin), and "
        "revoke them"
    ),
    "inbound:read": ApiScope("Read incoming webhooks and their items"),
    "inbound:write": ApiScope("Replay incoming items"),
    "webhook-subscriptions:read": ApiScope("Read webhook subscriptions and their states"),
    "webhook-subscriptions:write": ApiScope(
        "Check and repair webhook subscriptions, and rotate their secrets"
    ),
    "jobs:read": ApiScope("Read jobs, their slots and their runs"),
    "jobs:write": ApiScope("Create, change and delete jobs, and start and cancel runs"),
    "night:read": ApiScope("Read the forecast of all tenants' scheduled work", platform_only=True),
    "logs:write": ApiScope("Send log lines"),
    "logs:read": ApiScope("Read how many log lines were shipped"),
    "discrepancies:read": ApiScope("Read discrepancies and certificates of reconciliations"),
    "discrepancies:write": ApiScope("Repair discrepancies, and ignore them"),
    "members:read": ApiScope("Read members and invitations"),
    "members:write": ApiScope("Invite and remove people, and change their roles"),
    "metrics:read": ApiScope("Read the hub's own metrics", platform_only=True),
    "tenants:read": ApiScope("Read tenants"),
    "tenants:write": ApiScope("Create and change tenants", platform_only=True),
}


def explain_forbidden_scopes(scopes: list[str], *, is_platform_key: bool) -> str:
    """Return why a key cannot have these scopes, as a sentence; empty when it can."""
    if unknown := sorted(set(scopes) - set(SCOPES)):
        return f"There is no scope {', '.join(unknown)}."
    reserved = sorted(name for name in set(scopes) if SCOPES[name].platform_only)
    if reserved and not is_platform_key:
        return f"Only a platform key may have {', '.join(reserved)}."
    return ""
