"""A connection to an account of the sandbox, whose registrations are checked over HTTP."""

import time

from hub.db.clock import clock
from hub.incoming.endpoints.create import endpoint_url, get_or_create_connection_endpoint
from hub.incoming.models import InboundEndpoint, WebhookSubscription
from hub.incoming.registration.check import RegistrationCheckContext, check_endpoint
from hub.incoming.registration.lease import claim_check
from tests.sandbox.test_connectors import ORG, key_for, send

ACCOUNTS = {"salesforce": ORG, "pipedrive": "701"}
EVENT_TYPES = {"salesforce": "lead.created", "pipedrive": "person.updated"}
MONTH = 30 * 86400  # seconds; the tokens are valid for all of a test
SCOPES = "base,contacts:full,deals:full,leads:full,activities:full,admin"


class SandboxAccount:
    """A connection, and the requests that its checks sent."""

    def __init__(self, make, desk, system, *, event_type="", now=clock):
        self.desk, self.system, self.now, self.requests = desk, system, now, []
        desk.world(
            pipedrive=[{"company": "701", "scopes": SCOPES, "expires_in": MONTH}],
            salesforce=[{"org": ORG, "session_timeout": MONTH}],
        )
        self.credential = key_for(desk, system)
        self.connection = make.connection(
            connector=system,
            account=ACCOUNTS[system],
            secret=dict(self.credential.secret),
            settings=dict(self.credential.settings),
        )
        make.route(
            tenant=self.connection.tenant,
            event_type=f"{system}.{event_type or EVENT_TYPES[system]}",
            origin_connector_key=system,
            connector="webhook",
        )

    def __call__(self, request):
        self.requests.append(request)
        return send(request)

    @property
    def endpoint(self):
        endpoint = get_or_create_connection_endpoint(self.connection, now=self.now())
        rows = InboundEndpoint.unscoped.select_related("connection__credential")
        return rows.get(pk=endpoint.pk)

    @property
    def subscription(self):
        return WebhookSubscription.unscoped.get(endpoint__connection=self.connection)

    def check(self):
        """Check the registrations now; return the subscription."""
        endpoint = self.endpoint
        InboundEndpoint.unscoped.filter(pk=endpoint.pk).update(next_check_at=self.now())
        lease = claim_check(endpoint, now=self.now())
        context = RegistrationCheckContext(self, self.now, time.sleep, lambda: 0.5)
        check_endpoint(lease, context)
        return WebhookSubscription.unscoped.filter(endpoint=endpoint).first()

    def find_registrations(self):
        """Return the registrations at the system that deliver to this connection's endpoint."""
        subscriptions = self.connection.connector.subscriptions
        found, cursor = [], ""
        while True:
            request = subscriptions.list_request(self.credential, cursor=cursor)
            page = subscriptions.parse_list(send(request), cursor=cursor)
            found, cursor = [*found, *page.subscriptions], page.cursor
            if not cursor:
                break
        url = endpoint_url(self.endpoint)
        return [entry for entry in subscriptions.merge_pages(found) if entry.url.startswith(url)]

    def list_writes(self):
        return [request.method for request in self.requests if request.method != "GET"]
