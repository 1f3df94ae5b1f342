"""Every address that there is, filled in with the rows that there are: an unknown name in an
address fails.
"""

import itertools
import re

from django.contrib import admin
from django.contrib.admindocs.views import simplify_regex
from django.urls import get_resolver

from connectors.registry import CONNECTORS
from hub.connections.actions.declared_actions import CONNECTION_ACTIONS
from hub.connections.actions.queued_tests import TEST_ACTIONS
from hub.connections.actions.signing_secret_actions import SECRET_ACTIONS
from hub.connections.connecting.connect_links import CONNECT_LINK_ACTIONS
from hub.connections.models import Authorization, Connection, ConnectLink
from hub.drift.drift_actions import SCHEMA_ACTIONS
from hub.drift.models import DriftFinding
from hub.identities.review.decisions import DECISIONS
from hub.incoming.gaps.gap_actions import GAP_ACTIONS, SOURCE_READ_ACTIONS
from hub.incoming.models import InboundGap, InboundItem, InboundSource, WebhookSubscription
from hub.incoming.processing.replay import ITEM_ACTIONS
from hub.incoming.watch.source_actions import WEBHOOK_ACTIONS
from hub.mappings.mapping_actions import MAPPING_ACTIONS
from hub.mappings.models import FieldMapping
from hub.operations.models import Operation
from hub.operations.operation_actions import OPERATION_ACTIONS
from hub.outgoing.models import Delivery, Event, Route
from hub.outgoing.operations.delivery_actions import DELIVERY_ACTIONS
from hub.outgoing.subscriptions.endpoint_routes import ENDPOINT_ACTIONS
from hub.portal.models import SavedView
from hub.problems import CATALOGUE
from hub.recipes.integration_actions import INTEGRATION_ACTIONS
from hub.recipes.models import Integration
from hub.scheduled.models import Discrepancy, Job, Run
from hub.scheduled.repairs.discrepancy_actions import DISCREPANCY_ACTIONS
from hub.scheduled.runs.run_actions import JOB_ACTIONS, RUN_ACTIONS
from tenants.models import Invitation, Membership, PortalLink
from tenants.services.declared_actions import INVITATION_ACTIONS, MEMBER_ACTIONS
from tests.tenant_isolation.api.routes import patterns

NAME = re.compile(r"<(?:\w+:)?(\w+)>")
ROWS = {  # what an id stands for, by the word before it
    "connections": lambda: Connection.unscoped.exclude(tenant=None),
    "endpoints": lambda: Connection.unscoped.filter(connector_key="webhook"),
    "deliveries": lambda: Delivery.unscoped.all(),
    "events": lambda: Event.unscoped.all(),
    "inbound": lambda: InboundItem.unscoped.all(),
    "incoming": lambda: InboundItem.unscoped.all(),
    "webhook-subscriptions": lambda: WebhookSubscription.unscoped.all(),
    "webhooks": lambda: WebhookSubscription.unscoped.all(),
    "sources": lambda: InboundSource.unscoped.all(),
    "gaps": lambda: InboundGap.unscoped.all(),
    "drift": lambda: DriftFinding.unscoped.all(),
    "discrepancies": lambda: Discrepancy.unscoped.all(),
    "jobs": lambda: Job.unscoped.all(),
    "runs": lambda: Run.unscoped.all(),
    "integrations": lambda: Integration.unscoped.all(),
    "operations": lambda: Operation.unscoped.all(),
    "routes": lambda: Route.unscoped.all(),
    "mappings": lambda: FieldMapping.unscoped.all(),
    "members": lambda: Membership.unscoped.all(),
    "invitations": lambda: Invitation.unscoped.all(),
    "links": lambda: ConnectLink.unscoped.all(),
    "connect-links": lambda: ConnectLink.unscoped.all(),
    "portal-links": lambda: PortalLink.unscoped.all(),
    "views": lambda: SavedView.unscoped.all(),
    "waiting": lambda: Authorization.unscoped.all(),
    "confirm": lambda: Authorization.unscoped.all(),
    "<slug:kind>": lambda: Event.unscoped.all(),  # of open/, which leads on
}
ACTIONS = {  # what a verb stands for, by the word before the id
    "connections": {**CONNECTION_ACTIONS, **TEST_ACTIONS},
    "endpoints": {**ENDPOINT_ACTIONS, **SECRET_ACTIONS},
    "deliveries": DELIVERY_ACTIONS,
    "incoming": ITEM_ACTIONS,
    "webhooks": WEBHOOK_ACTIONS,
    "sources": SOURCE_READ_ACTIONS,
    "gaps": GAP_ACTIONS,
    "discrepancies": DISCREPANCY_ACTIONS,
    "jobs": JOB_ACTIONS,
    "runs": RUN_ACTIONS,
    "integrations": INTEGRATION_ACTIONS,
    "operations": OPERATION_ACTIONS,
    "mappings": MAPPING_ACTIONS,
    "schema": SCHEMA_ACTIONS,
    "review": DECISIONS,
    "members": MEMBER_ACTIONS,
    "invitations": INVITATION_ACTIONS,
    "links": CONNECT_LINK_ACTIONS,
}
PLAIN = {
    "tenant": ["acme"],
    "reference": ["acme"],
    "connector": list(CONNECTORS),
    "object": ["Lead"],
    "kind": ["csv", "ndjson", "event", "txt", "json"],
    "action": ["send"],
    "code": [*CATALOGUE, "refused"],
    "token": ["none"],
    "key": ["none", "order_to_slack"],
    "uidb36": ["1"],
    "name": ["tenant:acme"],
    "slug": ["introduction", "quick-start"],
}


def routes(*beginnings):
    """All that begin so, without the ends that expect whatever else there is."""
    every = [simplify_regex(route).lstrip("/") for route in patterns(get_resolver())]
    return [route for route in dict.fromkeys(every) if route.startswith(beginnings)]


def addresses(route):
    names = list(NAME.finditer(route))
    for values in itertools.product(*(choices(route, name) for name in names)):
        yield "/" + NAME.sub("{}", route).format(*values)


def choices(route, name):
    word, before = name[1], route[: name.start()].rstrip("/").rpartition("/")[2]
    if route.startswith("admin/"):
        return of_the_admin(route, word)
    if word == "verb" and (kind := re.search(r"([\w-]+)/(<uuid:id>/)?<slug:verb>$", route)):
        return list(ACTIONS[kind[1]])
    return [row.public_id for row in ROWS[before]()] if word == "id" else PLAIN[word]


def of_the_admin(route, word):
    """Rows of the model that the address names, and the actions of its page."""
    label = ".".join(route.split("/")[1:3])
    pages = {model._meta.label_lower: page for model, page in admin.site._registry.items()}
    if label not in pages:
        return ["1"]
    if word == "name":
        return pages[label].list_action_names()
    return [row.pk for row in pages[label].model._base_manager.all()]
