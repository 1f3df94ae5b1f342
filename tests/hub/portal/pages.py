"""Every page of the portal that is only looked at, each with what it needs."""

from hub.connections.models import Connection
from tests.markup import normalize_markup

ONE = "connections/{id}/"
PAGES = {
    "home": "",
    "search": "search/?q=ours",
    "nothing typed": "search/",
    "no results": "search/?q=no+such+thing",
    "changes": "changes/?period=week",
    "upcoming": "upcoming/",
    "catalogue": "catalogue/",
    "nothing found": "catalogue/?q=no+such+system",
    "about, by oauth": "connect/slack/",
    "about, by form": "connect/splunk/",
    "fill in": "connect/webhook/fill-in/",
    "links": "links/",
    "connection": ONE,
    "connected": ONE + "connected/",
    "pause": ONE + "pause",
    "disable": ONE + "disable",
    "rename": ONE + "rename",
    "reconnect": ONE + "reconnect/",
    "identities": ONE + "identities/",
    "say an identity": ONE + "identities/say/?kind=user&local_id=7",
    "e-mails about this connection": ONE + "notifications/",
    "disconnect": ONE + "disconnect/",
    "settings": "settings/",
    "support visits": "settings/support/",
    "events": "events/",
    "incoming events": "events/incoming/",
    "rejected requests": "events/incoming/?state=rejected",
    "webhook health": "webhooks/",
    "silent webhooks": "webhooks/?view=silent",
    "integrations": "integrations/",
    "switch on an integration": "integrations/new/order_to_slack/",
    "jobs": "jobs/",
    "add a job": "jobs/add",
    "runs": "runs/",
    "runs of the last day": "runs/night/",
    "discrepancies": "discrepancies/",
    "log shipping": "logs/",
    "repair of discrepancies": "discrepancies/repairs?verdict=differs",
    "plan": "operations/plan?state=failed",
    "endpoints": "endpoints/",
    "add an endpoint": "endpoints/add",
    "endpoint": "endpoints/{id}/",
    "its events": "endpoints/{id}/events",
    "its custom headers": "endpoints/{id}/headers",
}


def page(name, make, tenant):
    path = PAGES[name]
    if "{id}" in path:
        path = path.format(id=make.connection(tenant).public_id)
    return f"/t/{tenant.reference}/{path}"


def url_of(connection, rest=""):
    return f"/t/acme/connections/{connection.public_id}/{rest}"


def text_of(browser, connection, rest=""):
    return normalize_markup(browser.get(url_of(connection, rest)).content.decode())


def state_of(connection):
    return Connection.unscoped.get(pk=connection.pk).state
