"""Scopes of API keys: each is a resource and a verb, with a description."""

from typing import NamedTuple


class ApiScope(NamedTuple):
    meaning: str
    platform_only: bool = False  # a tenant's own key never has it


SCOPES = {
    "events:write": ApiScope("Send events"),
    "events:read": ApiScope("Read events and what became of them"),
    "deliveries:read": ApiScope("Read deliveries and their attempts"),
    "deliveries:write": ApiScope("Send deliveries again, or cancel them"),
    "switches:read": ApiScope("Read what is switched off, and why"),
    "switches:write": ApiScope("Switch off what is sent, and on again"),
    "connections:read": ApiScope("Read which systems are connected, and how they are"),
    "connections:write": ApiScope("Connect systems, and test, pause, change and disconnect them"),
    "connect-links:read": ApiScope("Read which connect links there are, and what became of them"),
    "connect-links:write": ApiScope("Make connect links, and take them back"),
    "portal-links:read": ApiScope("Read who was let into a tenant's pages by a portal link"),
    "portal-links:write": ApiScope(
        "Let people into a tenant's pages by a link, as admin at most, and show them out"
    ),
    "members:read": ApiScope("Read who belongs to a tenant, and who is invited"),
    "members:write": ApiScope("Invite people, remove them, and change what they may do"),
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
