"""Salesforce's outbound messages: set up by the Tooling API, sent as SOAP of saved records."""

import pytest
import requests
from defusedxml import ElementTree

from sandbox.salesforce.outbound.event_source import RULES

ORG, TOKEN = "00D000000000001EAA", "00D000000000001!acme"
USER, COLLEAGUE = "005000000000001AAA", "005000000000002AAA"
ROOT = f"/salesforce/{ORG}/services/data/v67.0"
OUT = "{http://soap.sforce.com/2005/09/outbound}"
SF = "{urn:sobject.enterprise.soap.sforce.com}"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
ACK = b"""<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>
<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>
</notificationsResponse></soapenv:Body></soapenv:Envelope>"""


@pytest.fixture
def org(desk, receiver):
    receiver.answers = [(200, {"Content-Type": "text/xml"}, ACK)]
    return desk


def call(desk, method, path, **more):
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return requests.request(method, f"{desk.url}{ROOT}{path}", headers=headers, timeout=10, **more)


def message(receiver, name="Order.Hub_new", fields=("Id", "Status", "TotalAmount"), **more):
    metadata = {
        "name": name,
        "endpointUrl": f"{receiver.url}/hooks/1",
        "apiVersion": 67.0,
        "fields": list(fields),
        "includeSessionId": False,
        "integrationUser": "ann@acme.example",
    }
    return {"FullName": name, "Metadata": metadata | more}


def flow(name="Hub_order_new", trigger="Create", action="Order.Hub_new", status="Active"):
    metadata = {
        "label": name,
        "processType": "AutoLaunchedFlow",
        "status": status,
        "start": {
            "object": action.partition(".")[0],
            "recordTriggerType": trigger,
            "triggerType": "RecordAfterSave",
            "connector": {"targetReference": "Send"},
        },
        "actionCalls": [
            {"name": "Send", "actionName": action, "actionType": "outboundMessage", "label": "Send"}
        ],
    }
    return {"FullName": name, "Metadata": metadata}


def create(desk, kind, body):
    answer = call(desk, "POST", f"/tooling/sobjects/{kind}", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def register(desk, receiver, **more):
    """The ids of a message of new orders and of its flow."""
    id = create(desk, "WorkflowOutboundMessage", message(receiver, **more))
    return id, create(desk, "Flow", flow())


def query(desk, soql):
    return call(desk, "GET", "/tooling/query/", params={"q": soql}).json()["records"]


def send(desk, event, **more):
    wish = {"system": "salesforce", "account": ORG, "event": event, **more}
    answer = desk.post("/_control/send", json=wish)
    assert answer.status_code == 200, answer.text
    return answer.json()["sent"]


def notifications(request):
    root = ElementTree.fromstring(request.body)
    return root[0].find(f"{OUT}notifications")


def new_order(desk, **more):
    account = call(desk, "POST", "/sobjects/Account", json={"Name": "Acme"}).json()["id"]
    body = {"AccountId": account, "EffectiveDate": "2026-12-01", "Status": "Draft", **more}
    return call(desk, "POST", "/sobjects/Order", json=body).json()["id"]


def test_an_order_of_the_api_is_sent_as_soap(org, receiver):
    message_id, _ = register(org, receiver)
    order = new_order(org, TotalAmount=12.5, PoNumber="not chosen")
    (request,) = receiver.wait(1)
    assert request.headers["Content-Type"] == "text/xml; charset=UTF-8"
    assert request.headers["SOAPAction"] == '""'
    sent = notifications(request)
    assert sent.findtext(f"{OUT}OrganizationId") == ORG
    assert sent.findtext(f"{OUT}ActionId") == message_id
    assert sent.find(f"{OUT}SessionId").get(f"{XSI}nil") == "true"
    record = sent.find(f"{OUT}Notification/{OUT}sObject")
    assert record.get(f"{XSI}type") == "sf:Order"
    assert {field.tag.removeprefix(SF): field.text for field in record} == {
        "Id": order,
        "Status": "Draft",
        "TotalAmount": "12.5",
    }
    assert sent.findtext(f"{OUT}Notification/{OUT}Id").startswith("04l")


def test_a_flow_of_updates_does_not_tell_of_new_records(org, receiver):
    create(org, "WorkflowOutboundMessage", message(receiver, "Order.Hub_changed"))
    create(org, "Flow", flow("Hub_order_changed", "Update", "Order.Hub_changed"))
    order = new_order(org)
    call(org, "PATCH", f"/sobjects/Order/{order}", json={"Status": "Activated"})
    record = notifications(receiver.wait(1)[0]).find(f"{OUT}Notification/{OUT}sObject")
    assert record.findtext(f"{SF}Status") == "Activated" and len(receiver.caught) == 1


def test_two_hundred_records_in_one_call_are_two_messages_of_a_hundred(org, receiver):
    create(org, "WorkflowOutboundMessage", message(receiver, "Lead.Hub_new", ("Id", "Email")))
    create(org, "Flow", flow("Hub_lead_new", "Create", "Lead.Hub_new"))
    records = [
        {"attributes": {"type": "Lead"}, "LastName": f"L{number}", "Company": "Acme"}
        for number in range(200)
    ]
    call(org, "POST", "/composite/sobjects", json={"records": records})
    counts = [len(notifications(one).findall(f"{OUT}Notification")) for one in receiver.wait(2)]
    assert counts == [100, 100]


def test_a_rolled_back_change_sends_no_message(org, receiver):
    create(org, "WorkflowOutboundMessage", message(receiver, "Lead.Hub_new", ("Id",)))
    create(org, "Flow", flow("Hub_lead_new", "Create", "Lead.Hub_new"))
    good = {"attributes": {"type": "Lead"}, "LastName": "L", "Company": "Acme"}
    bad = {"attributes": {"type": "Lead"}, "LastName": "L"}
    call(org, "POST", "/composite/sobjects", json={"allOrNone": True, "records": [good, bad]})
    assert len(send(org, "Lead.create")) == 1 and len(receiver.caught) == 1


def test_the_control_saves_many_in_one_message(org, receiver):
    register(org, receiver)
    assert [row["status"] for row in send(org, "Order.create", times=100)] == [200]
    assert len(notifications(receiver.caught[0]).findall(f"{OUT}Notification")) == 100
    wish = {"system": "salesforce", "account": ORG, "event": "Order.update"}
    answer = org.post("/_control/send", json=wish)
    assert answer.status_code == 400 and "no active flow" in answer.json()["error"]


@pytest.mark.parametrize(
    "answer", [(200, {}, b""), (200, {}, ACK.replace(b"true", b"false")), (500, {}, ACK)]
)
def test_what_is_not_acknowledged_is_sent_again_with_the_same_ids(org, receiver, answer):
    register(org, receiver)
    org.post("/_control/pace", json={"system": "salesforce", "factor": 1000})
    receiver.answers = [answer, answer, (200, {}, ACK)]
    send(org, "Order.create")
    ids = {notifications(one).findtext(f"{OUT}Notification/{OUT}Id") for one in receiver.wait(3)}
    assert len(ids) == 1
    assert [row["attempt"] for row in org.sent(3)] == [1, 2, 3]


def test_a_retry_carries_the_data_of_its_moment(org, receiver):
    register(org, receiver)
    org.post("/_control/pace", json={"system": "salesforce", "factor": 30})
    receiver.answers = [(500, {}, b""), (200, {}, ACK)]
    order = new_order(org)
    receiver.wait(1)
    call(org, "PATCH", f"/sobjects/Order/{order}", json={"Status": "Activated"})
    record = notifications(receiver.wait(2)[1]).find(f"{OUT}Notification/{OUT}sObject")
    assert record.findtext(f"{SF}Status") == "Activated"


def test_a_message_may_send_the_session_of_its_user(org, receiver):
    register(org, receiver, includeSessionId=True)
    send(org, "Order.create")
    session = notifications(receiver.caught[0]).findtext(f"{OUT}SessionId")
    headers = {"Authorization": f"Bearer {session}"}
    assert org.get(f"{ROOT}/limits", headers=headers).status_code == 200


def test_messages_and_flows_are_read_and_queried(org, receiver):
    message_id, flow_id = register(org, receiver)
    document = call(org, "GET", f"/tooling/sobjects/WorkflowOutboundMessage/{message_id}").json()
    assert document["FullName"] == "Order.Hub_new"
    assert document["Metadata"]["endpointUrl"] == f"{receiver.url}/hooks/1"
    soql = "SELECT Id, EndpointUrl FROM WorkflowOutboundMessage WHERE Name = 'Order.Hub_new'"
    assert [row["Id"] for row in query(org, soql)] == [message_id]
    soql = "SELECT Id, Status, Metadata FROM Flow WHERE DefinitionId != null LIMIT 1"
    assert [(row["Id"], row["Status"]) for row in query(org, soql)] == [(flow_id, "Active")]
    soql = "SELECT Id, ActiveVersionId FROM FlowDefinition WHERE DeveloperName = 'Hub_order_new'"
    assert [row["ActiveVersionId"] for row in query(org, soql)] == [flow_id]


def test_removal_is_flow_first_and_the_flow_must_be_inactive(org, receiver):
    message_id, flow_id = register(org, receiver)
    of_message = f"/tooling/sobjects/WorkflowOutboundMessage/{message_id}"
    of_flow = f"/tooling/sobjects/Flow/{flow_id}"
    assert call(org, "DELETE", of_message).json()[0]["errorCode"] == "DEPENDENCY_EXISTS"
    assert call(org, "DELETE", of_flow).json()[0]["errorCode"] == "DELETE_FAILED"
    (definition,) = query(org, "SELECT Id FROM FlowDefinition")
    off = {"Metadata": {"activeVersionNumber": 0}}
    path = f"/tooling/sobjects/FlowDefinition/{definition['Id']}"
    assert call(org, "PATCH", path, json=off).status_code == 204
    assert [call(org, "DELETE", one).status_code for one in (of_flow, of_message)] == [204, 204]
    assert query(org, "SELECT Id FROM FlowDefinition") == []


def test_a_message_is_changed_and_a_flow_gets_versions(org, receiver):
    message_id, first = register(org, receiver)
    path = f"/tooling/sobjects/WorkflowOutboundMessage/{message_id}"
    body = {"Metadata": {"endpointUrl": f"{receiver.url}/hooks/2"}}
    assert call(org, "PATCH", path, json=body).status_code == 204
    second = create(org, "Flow", flow())
    rows = query(org, "SELECT Id, Status, VersionNumber FROM Flow ORDER BY VersionNumber")
    assert [(row["Id"], row["Status"]) for row in rows] == [(first, "Obsolete"), (second, "Active")]
    send(org, "Order.create")
    assert [one.path for one in receiver.caught] == ["/hooks/2"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"endpointUrl": "ftp://x"}, "FIELD_INTEGRITY_EXCEPTION"),
        ({"fields": []}, "REQUIRED_FIELD_MISSING"),
        ({"fields": ["Nothing__c"]}, "FIELD_INTEGRITY_EXCEPTION"),
    ],
)
def test_metadata_that_cannot_be_deployed_is_refused(org, receiver, body, code):
    wrong = message(receiver, **body)
    answer = call(org, "POST", "/tooling/sobjects/WorkflowOutboundMessage", json=wrong)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_without_customize_application_the_tooling_api_is_closed(org, receiver):
    org.world(salesforce=[{"org": ORG, "customize_application": False}])
    answer = call(org, "GET", "/tooling/query/", params={"q": "SELECT Id FROM Flow"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (403, "INSUFFICIENT_ACCESS")


def test_an_org_may_refuse_active_flows(org, receiver):
    org.world(salesforce=[{"org": ORG, "active_flows": False}])
    create(org, "WorkflowOutboundMessage", message(receiver))
    assert call(org, "POST", "/tooling/sobjects/Flow", json=flow()).status_code == 400
    create(org, "Flow", flow(status="Draft"))
    assert query(org, "SELECT Status FROM Flow")[0]["Status"] == "Draft"


def test_people_save_records_on_the_page_and_admins_change_the_setup(org, receiver):
    create(org, "WorkflowOutboundMessage", message(receiver, "Lead.Hub_new", ("Id", "LastName")))
    id = create(org, "Flow", flow("Hub_lead", "CreateAndUpdate", "Lead.Hub_new"))
    form = {"LastName": "Lovelace", "Company": "Acme"}
    page = org.post(f"/salesforce/{ORG}/lightning/o/Lead/new", data=form)
    assert page.status_code == 200 and "Lovelace" in page.text
    edit = page.url.removeprefix(org.url).replace("/view", "/edit")
    org.post(edit, data={"LastName": "King", "do": "save"})
    receiver.wait(2)
    setup = f"/salesforce/{ORG}/setup"
    assert "Hub_lead" in org.get(f"{setup}/").text
    assert "Obsolete" in org.post(f"{setup}/flows/{id}", data={"do": "deactivate"}).text
    org.post(edit, data={"do": "delete"})
    org.post(f"/salesforce/{ORG}/lightning/o/Lead/new", data=form)
    assert len(receiver.caught) == 2
    headers = {"Sec-Fetch-Site": "cross-site"}
    answer = org.post(f"{setup}/flows/{id}", data={"do": "activate"}, headers=headers)
    assert answer.status_code == 404


def test_the_retries_last_a_day_with_two_hours_between_at_most():
    assert max(RULES.waits) == 7200 and 22 * 3600 < sum(RULES.waits) <= 24 * 3600


@pytest.mark.corrections(item="2.1")
def test_a_message_says_who_created_and_who_changed_the_record(org, receiver):
    origin = ("CreatedById", "LastModifiedById", "OwnerId")
    create(org, "WorkflowOutboundMessage", message(receiver, fields=("Status", *origin)))
    create(org, "Flow", flow(trigger="CreateAndUpdate"))
    order = new_order(org)
    edit = f"{org.url}/salesforce/{ORG}/lightning/r/Order/{order}/edit"
    requests.post(edit, {"do": "save", "Status": "Draft", "user": COLLEAGUE}, timeout=10)
    users = [
        [
            notifications(request).findtext(f"{OUT}Notification/{OUT}sObject/{SF}{name}")
            for name in origin
        ]
        for request in receiver.wait(2)
    ]
    assert users == [[USER, USER, USER], [USER, COLLEAGUE, USER]]
