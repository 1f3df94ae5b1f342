"""What people edit of our messages and flows at Salesforce is found and repaired."""

from datetime import UTC, datetime

import pytest

from connectors.http import Response
from tests.hub.incoming.registration.sandbox_account import SandboxAccount
from tests.sandbox.salesforce_requests import raw

pytestmark = pytest.mark.django_db(transaction=True)
TOOLING = "/tooling/sobjects"


class Organisation(SandboxAccount):
    """An org whose messages and flows an administrator edits."""

    def __init__(self, make, desk):
        super().__init__(
            make, desk, "salesforce", now=lambda: datetime.fromtimestamp(desk.now, UTC)
        )

    def wait(self, seconds):
        self.desk.now += seconds

    def read(self, kind, id):
        return raw(self.desk, "GET", f"{TOOLING}/{kind}/{id}").json()

    @property
    def message(self):
        return self.read("WorkflowOutboundMessage", self.subscription.external_id)

    @property
    def flow(self):
        query = "SELECT Id FROM Flow WHERE Status = 'Active'"
        (row,) = raw(self.desk, "GET", "/tooling/query", params={"q": query}).json()["records"]
        return self.read("Flow", row["Id"])

    def activate(self, message, version=1):
        """Activate a version of a message's flow; 0: none."""
        query = f"SELECT DefinitionId FROM Flow WHERE MasterLabel LIKE '%{message}'"
        (row,) = raw(self.desk, "GET", "/tooling/query", params={"q": query}).json()["records"]
        body = {"Metadata": {"activeVersionNumber": version}}
        path = f"{TOOLING}/FlowDefinition/{row['DefinitionId']}"
        assert raw(self.desk, "PATCH", path, json=body).status_code == 204

    def deactivate(self, message=""):
        self.activate(message or self.subscription.external_id, version=0)

    def count_versions(self):
        query = {"q": "SELECT Id FROM Flow"}
        return raw(self.desk, "GET", "/tooling/query", params=query).json()["size"]

    def edit_message(self, **values):
        path = f"{TOOLING}/WorkflowOutboundMessage/{self.subscription.external_id}"
        metadata = self.message["Metadata"] | values
        assert raw(self.desk, "PATCH", path, json={"Metadata": metadata}).status_code == 204

    def edit_flow(self, *, action=None, start=None):
        """Save another version of the flow and activate it, as the Flow Builder does."""
        flow = self.flow
        metadata = {**flow["Metadata"], "status": "Active"}
        metadata["start"] = {**metadata["start"], **(start or {})}
        metadata["actionCalls"] = [{**metadata["actionCalls"][0], **(action or {})}]
        body = {"FullName": flow["FullName"], "Metadata": metadata}
        assert raw(self.desk, "POST", f"{TOOLING}/Flow", json=body).status_code == 201


@pytest.fixture
def org(make, desk):
    org = Organisation(make, desk)
    for _check in range(2):  # it is created; then its details are read
        assert org.check().state == "verified"
        org.wait(60)
    org.requests.clear()
    return org


FILTER = {"field": "Status", "operator": "EqualTo", "value": {"stringValue": "Open"}}
EDITS = {
    "fields": lambda org: org.edit_message(fields=["Id"]),
    "session": lambda org: org.edit_message(includeSessionId=True),
    "object": lambda org: org.edit_flow(start={"object": "Account"}),
    "conditions": lambda org: org.edit_flow(start={"filters": [FILTER], "filterLogic": "and"}),
    "a schedule": lambda org: org.edit_flow(start={"scheduledPaths": [{"name": "Later"}]}),
    "trigger": lambda org: org.edit_flow(start={"recordTriggerType": "Update"}),
    "action": lambda org: org.edit_flow(action={"name": "Another_step"}),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_is_found_by_the_next_check_and_repaired(org, edit):
    message, flow = org.message["Metadata"], org.flow["Metadata"]
    EDITS[edit](org)
    org.wait(900)
    assert org.check().state == "verified"
    assert org.list_writes()
    assert org.message["Metadata"] == message
    assert org.flow["Metadata"] == flow | {"status": "Active"}
    org.requests.clear()
    org.wait(900)
    for _check in range(2):
        assert org.check().state == "verified"
    assert org.list_writes() == []


def test_without_an_edit_a_check_lists_and_reads_the_details_once_a_day(org):
    for _check in range(3):
        org.wait(900)
        org.check()
    assert len(org.requests) == 3 * 2  # messages, flows
    org.requests.clear()
    org.wait(86400)
    org.check()
    assert len(org.requests) == 2 + 2


def test_details_that_cannot_be_read_are_a_failure_and_read_again(make, desk):
    org = HidesDetails(make, desk)
    for _check in range(2):
        org.check()
        org.wait(60)
    org.edit_message(fields=["Id"])
    org.is_hiding = True
    org.wait(900)
    subscription = org.check()
    assert (subscription.state, subscription.failure_count) == ("unconfirmed", 1)
    org.is_hiding = False
    assert org.check().state == "verified" and org.message["Metadata"]["fields"] != ["Id"]


class HidesDetails(Organisation):
    """An organisation that lists its messages, and fails where their details are read."""

    is_hiding = False

    def __call__(self, request):
        is_detail = request.method == "GET" and TOOLING in request.url
        response = super().__call__(request)
        return Response(503, b"[]") if self.is_hiding and is_detail else response


def test_where_a_column_is_unknown_edits_are_found_once_a_day(make, desk):
    org = WithoutColumn(make, desk, "LastModifiedDate")
    for _check in range(2):
        assert org.check().state == "verified"
    org.edit_message(fields=["Id"])
    org.wait(900)
    org.check()
    assert org.message["Metadata"]["fields"] == ["Id"]
    org.wait(86400)
    org.check()
    assert len(org.message["Metadata"]["fields"]) > 5


class WithoutColumn(Organisation):
    """An organisation that refuses columns which the documentation does not list."""

    def __init__(self, make, desk, *columns):
        super().__init__(make, desk)
        self.columns = columns

    def __call__(self, request):
        url = request.url
        for column in self.columns:
            url = url.replace(column, f"{column}X")
        if url != request.url:
            request = type(request)(request.method, url, bearer=request.bearer)
        return super().__call__(request)


@pytest.mark.parametrize("columns", [["EndpointUrl"], ["EndpointUrl", "LastModifiedDate"]])
def test_where_no_column_tells_the_url_each_message_is_read_from_its_metadata(make, desk, columns):
    org = WithoutColumn(make, desk, *columns)
    org.connection.tenant.routes.update(event_type="salesforce.lead.*")
    for _check in range(2):
        assert org.check().state == "verified"
        org.wait(60)
    created, updated = org.find_registrations()
    assert (created.key, updated.key) == ("lead.created", "lead.updated")
    org.requests.clear()
    metadata = org.read("WorkflowOutboundMessage", created.external_id)["Metadata"]
    body = {"Metadata": metadata | {"endpointUrl": "https://elsewhere.example/"}}
    path = f"{TOOLING}/WorkflowOutboundMessage/{created.external_id}"
    assert raw(desk, "PATCH", path, json=body).status_code == 204
    org.wait(900)
    assert org.check().state == "verified"
    assert [entry.url for entry in org.find_registrations()] == [created.url, updated.url]
    assert org.list_writes() == ["PATCH"]
    org.requests.clear()
    org.wait(900)
    org.check()
    assert org.list_writes() == []


def test_an_organisation_that_lets_no_flow_be_activated_leaves_the_edit_to_a_person(org, desk):
    org.edit_flow(start={"filters": [FILTER]})
    desk.world(salesforce=[{"org": org.connection.account, "active_flows": False}])
    org.wait(900)
    assert org.check().state == "manual"
    versions = org.count_versions()
    org.wait(900)
    assert (org.check().state, org.count_versions()) == ("manual", versions)
    desk.world(salesforce=[{"org": org.connection.account, "active_flows": True}])
    org.wait(900)
    assert org.check().state == "verified"
    assert org.flow["Metadata"]["start"].get("filters") is None
