"""The menu of the staff pages."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

MENU = {
    "": (("Overview", "space_dashboard", "admin:index", ""),),
    "Customers": (
        ("Tenants", "apartment", "tenants_tenant", "tenants.view_tenant"),
        ("Connections", "cable", "connections_connection", "connections.view_connection"),
        (
            "Expiring soon",
            "event_busy",
            "admin:connections_connection_forecast",
            "connections.view_connection",
        ),
        ("Connect links", "add_link", "connections_connectlink", "connections.view_connectlink"),
        (
            "Requested systems",
            "lightbulb",
            "connections_connectorrequest",
            "connections.view_connectorrequest",
        ),
        (
            "Integrations",
            "extension",
            "recipes_integration",
            "recipes.view_integration",
        ),
        ("Portal links", "badge", "tenants_portallink", "tenants.view_portallink"),
        ("Identities", "compare_arrows", "mappings_identity", "mappings.view_identity"),
        ("Users of tenants", "groups", "identities_localuser", "identities.view_localuser"),
        (
            "Users of systems",
            "contacts",
            "identities_directoryentry",
            "identities.view_directoryentry",
        ),
        (
            "Reads of users",
            "sync",
            "identities_directoryread",
            "identities.view_directoryread",
        ),
    ),
    "Routes & mappings": (
        ("Routes", "alt_route", "outgoing_route", "outgoing.view_route"),
        ("Field mappings", "schema", "mappings_fieldmapping", "mappings.view_fieldmapping"),
        ("Schema drift", "difference", "drift_driftfinding", "drift.view_driftfinding"),
    ),
    "Events & deliveries": (
        ("Events", "bolt", "outgoing_event", "outgoing.view_event"),
        ("Deliveries", "send", "outgoing_delivery", "outgoing.view_delivery"),
        ("Send a test event", "science", "admin:outgoing_event_send", "outgoing.add_event"),
        ("Operations", "checklist", "operations_operation", "operations.view_operation"),
        ("Notices", "notifications", "notices_notice", "notices.view_notice"),
    ),
    "Incoming": (
        ("Inbox", "inbox", "incoming_inbounditem", "incoming.view_inbounditem"),
        ("Requests", "download", "incoming_inboundmessage", "incoming.view_inboundmessage"),
        (
            "Webhook health",
            "vital_signs",
            "admin:incoming_inboundsource_health",
            "incoming.view_inboundsource",
        ),
        (
            "Webhook subscriptions",
            "webhook",
            "incoming_webhooksubscription",
            "incoming.view_webhooksubscription",
        ),
        ("Sources", "sensors", "incoming_inboundsource", "incoming.view_inboundsource"),
        ("Gaps", "history", "incoming_inboundgap", "incoming.view_inboundgap"),
        (
            "Requests by system",
            "bar_chart",
            "admin:incoming_inboundmessage_sources",
            "incoming.view_inboundmessage",
        ),
        (
            "Test a request",
            "fact_check",
            "admin:incoming_inboundmessage_test",
            "incoming.view_inboundmessage",
        ),
    ),
    "Scheduled": (
        ("Jobs", "event_repeat", "scheduled_job", "scheduled.view_job"),
        ("Runs", "play_circle", "scheduled_run", "scheduled.view_run"),
        ("Tenants of jobs", "groups", "scheduled_jobschedule", "scheduled.view_jobschedule"),
        ("The night", "nights_stay", "admin:scheduled_run_night", "scheduled.view_run"),
        (
            "Discrepancies",
            "difference",
            "scheduled_discrepancy",
            "scheduled.view_discrepancy",
        ),
        ("Log shipping", "receipt_long", "scheduled_logposition", "scheduled.view_logposition"),
    ),
    "Platform": (
        ("Health", "monitor_heart", "console:health", "hub.view_worker"),
        ("Quotas", "speed", "throttle_quotastate", "throttle.view_quotastate"),
        (
            "Off switches",
            "power_settings_new",
            "connections_killswitch",
            "connections.view_killswitch",
        ),
        (
            "Maintenance",
            "construction",
            "connections_maintenancewindow",
            "connections.view_maintenancewindow",
        ),
        (
            "Connector apps",
            "extension",
            "connections_connectorapp",
            "connections.view_connectorapp",
        ),
        ("API keys", "key", "tenants_apikey", "tenants.view_apikey"),
        ("People", "group", "tenants_user", "tenants.view_user"),
        ("Mails", "mail", "hub_mail", "hub.view_mail"),
        ("Audit", "fact_check", "hub_auditrow", "hub.view_auditrow"),
    ),
}


ACCOUNT = {
    "Password": "account_change_password",
    "Second factor": "mfa_index",
    "E-mail address": "account_email",
    "Your organisations": "people:tenants",
}

HELP = {"API documentation": "api_docs:introduction", "API problems": "api_docs:problems"}


def build_sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Build the menu; the page that is shown is marked, and not the list above it."""
    groups: list[dict[str, Any]] = []
    for title, entries in MENU.items():
        allowed = filter(None, (build_menu_item(request, *entry) for entry in entries))
        groups.append({"title": title, "items": list(allowed)})
    items = [item for group in groups for item in group["items"]]
    links = [item["link"] for item in items if request.path.startswith(item["link"])]
    shown = max(links, key=len, default="")
    for item in items:
        item["active"] = item["link"] == shown
    return groups


def build_menu_item(
    request: HttpRequest, title: str, icon: str, page: str, permission: str
) -> dict[str, Any] | None:
    if permission and not request.user.has_perm(permission):
        return None
    try:
        link = reverse(page if ":" in page else f"admin:{page}_changelist")
    except NoReverseMatch:  # this deployment does not have the page
        return None
    return {"title": title, "icon": icon, "link": link}


def list_account_links(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the menu of the account, as for customers, and the documentation; Unfold adds more."""
    links = ACCOUNT | HELP
    return [{"title": title, "link": reverse(page)} for title, page in links.items()]


def build_environment_badge(request: HttpRequest) -> list[str]:
    return [
        settings.HUB_ENVIRONMENT,
        "success" if settings.HUB_ENVIRONMENT == "live" else "warning",
    ]
