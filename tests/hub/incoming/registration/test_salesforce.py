"""Messages and flows at Salesforce follow the routes; the network is replaced by an organisation
that does not let us activate flows.
"""

import json
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.http import Response
from connectors.registry import CONNECTORS
from hub.db.clock import clock
from hub.incoming.endpoints.create import endpoint_url, get_or_create_connection_endpoint
from hub.incoming.models import InboundEndpoint, WebhookSubscription
from hub.incoming.registration.check import RegistrationCheckContext, check_endpoint
from hub.incoming.registration.lease import claim_check

pytestmark = pytest.mark.django_db(transaction=True)
MESSAGE, FLOW, DEFINITION = "04k000000000001AAA", "301000000000001AAA", "300000000000001AAA"


class Organisation:
    """One message and one flow that we make; `lets_activate`: whether we may activate it."""

    def __init__(self):
        self.message, self.flow, self.writes, self.lets_activate = None, None, [], False
        self.metadata = {}

    def __call__(self, request):
        path = urlsplit(request.url).path.partition("/v67.0")[2]
        if request.method == "GET":
            return answer(200, self.read(path, parse_qs(urlsplit(request.url).query)))
        self.writes.append(f"{request.method} {path}")
        if request.method == "POST":
            return answer(201, {"id": self.create(path, request.json)})
        if not self.lets_activate:
            error = {"errorCode": "FLOW_ACTIVATION_REFUSED", "message": "not in production"}
            return answer(400, [error])
        self.flow["Status"] = "Active"
        return Response(204)

    def read(self, path, query):
        if path.endswith("describe"):
            return {"fields": [{"name": "Id", "type": "id"}, {"name": "Where", "type": "address"}]}
        if "/tooling/sobjects/" in path:
            return self.metadata[path.split("/")[-2]]
        if not query:
            return {"identity": "https://login.salesforce.com/id/00D000000000001/005000000000001"}
        (soql,) = query["q"]
        if "FROM User" in soql:
            return records("User", {"Username": "ann@acme.test"})
        if "FROM WorkflowOutboundMessage" in soql:
            return records("WorkflowOutboundMessage", self.message)
        is_hidden = "'Active'" in soql and self.flow and self.flow["Status"] != "Active"
        return records("Flow", None if is_hidden else self.flow)

    def create(self, path, body):
        metadata = body["Metadata"]
        self.metadata[path.rpartition("/")[2]] = body
        if path.endswith("Flow"):
            self.flow = {
                "Id": FLOW,
                "DefinitionId": DEFINITION,
                "MasterLabel": metadata["label"],
                "VersionNumber": 1,
                "Status": metadata["status"],
            }
            return FLOW
        assert (metadata["fields"], metadata["integrationUser"]) == (["Id"], "ann@acme.test")
        self.message = {
            "Id": MESSAGE,
            "Name": metadata["name"],
            "EndpointUrl": metadata["endpointUrl"],
            "EntityDefinitionId": "Order",
        }
        return MESSAGE


def answer(status, body):
    return Response(status, json.dumps(body).encode())


def records(kind, row):
    found = [row | {"attributes": {"type": kind}}] if row else []
    return {"done": True, "entityTypeName": kind, "records": found}


@pytest.fixture
def connection(make):
    connection = make.connection(
        connector="salesforce",
        account="00D000000000001AAA",
        secret={"access_token": "00D!session"},
        settings={"instance_url": "https://acme.my.salesforce.com"},
    )
    make.route(
        tenant=connection.tenant,
        event_type="salesforce.order.created",
        origin_connector_key="salesforce",
        connector="webhook",
    )
    return connection


def check(connection, organisation):
    endpoint = get_or_create_connection_endpoint(connection, now=clock())
    InboundEndpoint.unscoped.filter(pk=endpoint.pk).update(next_check_at=clock())
    lease = claim_check(endpoint, now=clock())
    check_endpoint(lease, RegistrationCheckContext(organisation, clock, time.sleep, lambda: 0.5))
    return endpoint


def test_an_activation_that_is_refused_is_left_to_a_person_and_found_when_it_is_done(connection):
    organisation = Organisation()
    for _check in range(2):
        endpoint = check(connection, organisation)
    subscription = WebhookSubscription.unscoped.get()
    assert (subscription.key, subscription.state) == ("order.created", "manual")
    assert "not in production" in subscription.detail and subscription.failure_count == 0
    assert organisation.message["EndpointUrl"] == f"{endpoint_url(endpoint)}?change=created"
    writes = list(organisation.writes)
    check(connection, organisation)
    assert organisation.writes == writes  # nothing is tried again and again

    organisation.flow["Status"] = "Active"
    check(connection, organisation)
    subscription.refresh_from_db()
    assert (subscription.state, subscription.external_id) == ("verified", MESSAGE)


def test_where_it_is_allowed_the_flow_is_active_at_once(connection):
    organisation = Organisation()
    organisation.lets_activate = True
    check(connection, organisation)
    subscription = WebhookSubscription.unscoped.get()
    assert (subscription.state, subscription.external_id) == ("verified", MESSAGE)
    assert [write.partition(" ")[0] for write in organisation.writes] == ["POST", "POST", "PATCH"]
    check(connection, organisation)
    assert len(organisation.writes) == 3


def test_a_foreign_message_with_an_url_that_is_none_does_not_hide_ours():
    records = [
        {
            "attributes": {"type": "WorkflowOutboundMessage"},
            "Id": MESSAGE,
            "Name": "Theirs",
            "EndpointUrl": url,
            "EntityDefinitionId": "Lead",
        }
        for url in ("https://[x", "https://hub.test/hooks/salesforce/key/?change=created")
    ]
    page = CONNECTORS["salesforce"].subscriptions.parse_list(answer(200, {"records": records}))
    assert [entry.key for entry in page.subscriptions] == ["lead.", "lead.created"]
