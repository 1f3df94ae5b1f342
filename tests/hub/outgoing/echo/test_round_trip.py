"""With routes in both directions, a change by a person is written once on the other side, and what
the hub wrote does not return.
"""

import json
from base64 import b64encode

import pytest

from connectors.http import Response
from hub.db.clock import clock
from hub.incoming.models import InboundItem
from hub.mappings.models import Identity
from hub.notices.models import Notice
from hub.outgoing.echo.record_pairs import store_due_pairs
from hub.outgoing.models import Delivery, RememberedWrite, Route
from hub.outgoing.release import release_held_deliveries
from tests.fakes import FakeHttp
from tests.hub.incoming.webhook_posts import SOAP, endpoint_of, local_path, run_inbox
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = pytest.mark.django_db(transaction=True)

ORGANIZATION, COMPANY = "00D000000000001AAA", "701"
LEAD, PERSON = "00Q000000000001AAA", "31"
NOTIFICATION = """<Notification><Id>04l{number:012}AAA</Id>
 <sObject xsi:type="sf:Lead" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
  <sf:Id>{record}</sf:Id><sf:LastName>{name}</sf:LastName><sf:Email>{email}</sf:Email>{fields}
 </sObject></Notification>"""
# of each direction: the event, its origin, the action, and the field mapping
PERSON_FIELDS = {"name": "data.record.LastName", "emails": "[{value: data.record.Email}]"}
LEAD_FIELDS = {
    "LastName": "data.record.name",
    "Company": "data.record.name",
    "Email": "data.record.emails[0].value",
}
ROUTES = (
    ("salesforce.lead.created", "create_person", PERSON_FIELDS),
    ("salesforce.lead.updated", "update_person", {"id": "identity('person', data.id)"}),
    ("pipedrive.person.created", "create", {"object": "'Lead'", "fields": LEAD_FIELDS}),
    (
        "pipedrive.person.updated",
        "update",
        {
            "object": "'Lead'",
            "record_id": "identity('lead', data.id)",
            "fields": {"LastName": "data.record.name"},
        },
    ),
)


class TwoSystems:
    """Pipedrive and Salesforce of one tenant: they send changes, and answer what is written."""

    def __init__(self, client, make):
        tenant = make.tenant("acme")
        self.client, self.numbers = client, iter(range(1, 100))
        self.headers, self.person = {}, {}  # of answers; what Pipedrive's also say of the record
        self.pipedrive = make.connection(
            tenant,
            "pipedrive",
            account=COMPANY,
            secret={"access_token": "v1u:test"},
            settings={"api_domain": "https://acme.pipedrive.com"},
        )
        self.salesforce = make.connection(tenant, "salesforce", account=ORGANIZATION)
        for event_type, action, body in ROUTES:
            origin, _, _ = event_type.partition(".")
            target = self.salesforce if origin == "pipedrive" else self.pipedrive
            fields = PERSON_FIELDS if action == "update_person" else {}
            make.route(
                target,
                event_type=event_type,
                origin_connector_key=origin,
                action=action,
                body={**body, "name": fields["name"]} if fields else body,
            )

    def save_lead(self, change, name, email="ann@acme.test", **fields):
        """A lead was saved in Salesforce, by a person or by what the hub wrote."""
        number = next(self.numbers)
        notification = NOTIFICATION.format(
            number=number,
            record=LEAD,
            name=name,
            email=email,
            fields="".join(f"<sf:{key}>{value}</sf:{key}>" for key, value in fields.items()),
        )
        body = SOAP.format(organization=ORGANIZATION, session="", notifications=notification)
        path = f"{local_path(endpoint_of(self.salesforce))}?change={change}"
        answer = self.client.post(path, body, content_type="text/xml; charset=UTF-8")
        assert answer.status_code == 200
        run_inbox()
        return InboundItem.unscoped.latest("pk").state

    def save_person(
        self, change, name, previous=None, email="ann@acme.test", id=PERSON, meta=(), **fields
    ):
        """A person was saved in Pipedrive; `previous` holds the fields that changed."""
        endpoint = endpoint_of(self.pipedrive)
        secret = endpoint.open()["secrets"][0]["secret"]
        emails = [{"label": "work", "value": email, "primary": True}]
        document = {
            "meta": {
                "action": change,
                "entity": "person",
                "entity_id": id,
                "company_id": COMPANY,
                "user_id": "7",
                "id": f"change-{next(self.numbers)}",
                "webhook_id": "9001",
                **dict(meta),
            },
            "data": {"id": int(id), "name": name, "emails": emails, "owner_id": 7, **fields},
            "previous": previous,
        }
        answer = self.client.post(
            local_path(endpoint),
            json.dumps(document),
            content_type="application/json",
            headers={"Authorization": "Basic " + b64encode(secret.encode()).decode()},
        )
        assert answer.status_code == 200
        run_inbox()
        return InboundItem.unscoped.latest("pk").state

    def send(self):
        """Send what is due, as pump and release do; return method and content of each write."""
        http = FakeHttp(self.answer)
        self.deliver(http)
        store_due_pairs(now=clock())
        release_held_deliveries(now=clock())
        self.deliver(http)
        requests = http.requests
        return [(entry.method, json.loads(entry.content() or b"null")) for entry in requests]

    def deliver(self, http):
        """Pump until nothing waits: a slow machine returns some unsent."""
        while Delivery.unscoped.filter(state="waiting").exists():
            pump(http, at=clock())

    def answer(self, request):
        if "pipedrive" in request.url:
            document = {"success": True, "data": {"id": 31, **self.person}}
        else:
            document = [{"success": True, "id": LEAD, "errors": []}]
        return Response(200, json.dumps(document).encode(), self.headers)


@pytest.fixture
def systems(client, make):
    return TwoSystems(client, make)


def test_a_new_lead_is_one_person_and_its_later_changes_update_that_person(systems):
    assert systems.save_lead("created", "Able") == "processed"
    ((method, body),) = systems.send()
    assert (method, body["name"]) == ("POST", "Able")
    assert systems.save_person("create", "Able") == "echo"
    assert systems.send() == []

    assert systems.save_lead("updated", "Baker") == "processed"
    assert systems.send() == [("PATCH", {"name": "Baker"})]
    assert systems.save_person("change", "Baker", {"name": "Able", "update_time": "x"}) == "echo"
    assert systems.send() == []


def test_a_new_person_is_one_lead_and_its_later_changes_update_that_lead(systems):
    assert systems.save_person("create", "Able") == "processed"
    ((method, body),) = systems.send()
    assert (method, body["records"][0]["LastName"]) == ("POST", "Able")
    assert systems.save_lead("created", "Able") == "echo"
    assert systems.send() == []

    assert systems.save_person("change", "Baker", {"name": "Able"}) == "processed"
    ((method, body),) = systems.send()
    assert (method, body["records"][0]["id"]) == ("PATCH", LEAD)
    assert systems.save_lead("updated", "Baker") == "echo"
    assert systems.send() == []


def test_an_edit_of_what_was_written_is_published_also_by_the_connected_person(systems):
    systems.save_lead("created", "Able")
    systems.send()
    systems.save_person("create", "Able")
    assert systems.save_person("change", "Carter", {"name": "Able"}) == "processed"
    ((method, body),) = systems.send()
    assert (method, body["records"][0]["LastName"]) == ("PATCH", "Carter")
    assert systems.save_lead("updated", "Carter") == "echo"
    assert systems.save_person("change", "Able", {"name": "Carter"}) == "processed"


@pytest.mark.parametrize(("connected_user", "state"), [("7", "echo"), ("8", "processed")])
def test_the_same_change_by_another_user_is_no_echo(systems, connected_user, state):
    systems.pipedrive.settings |= {"user_id": connected_user}
    systems.pipedrive.save()
    systems.save_lead("created", "Able")
    systems.send()
    assert systems.save_person("create", "Able") == state  # by user 7


def test_an_edit_of_another_field_is_published(systems):
    systems.save_lead("created", "Able")
    systems.send()
    assert systems.save_person("change", "Able", {"owner_id": 8}) == "processed"


def test_an_echo_that_arrives_before_its_write_is_settled_is_recognized_once(systems):
    systems.save_lead("created", "Able")
    states = []

    def answer(request):
        states.append("sent")
        return systems.answer(request)

    systems.deliver(FakeHttp(answer))
    RememberedWrite.unscoped.update(record="", is_pair_due=False)
    assert systems.save_person("create", "Able") == "echo"
    assert (states, systems.save_person("create", "Able", id="32")) == (["sent"], "processed")


def test_a_refused_write_explains_no_change(systems):
    systems.save_lead("created", "Able")
    systems.deliver(FakeHttp(Response(400, b'{"success": false, "error": "no"}')))
    assert not RememberedWrite.unscoped.exists()
    assert systems.save_person("create", "Able") == "processed"


def test_the_pair_of_records_is_known_at_both_connections(systems):
    systems.save_lead("created", "Able")
    systems.send()
    pairs = Identity.unscoped.order_by("pk").values_list(
        "connection", "kind", "local_id", "remote_id", "source"
    )
    assert list(pairs) == [
        (systems.pipedrive.pk, "person", LEAD, PERSON, "created"),
        (systems.salesforce.pk, "lead", PERSON, LEAD, "created"),
    ]


def test_nothing_is_remembered_of_a_connection_whose_events_no_route_takes(systems):
    Route.unscoped.filter(origin_connector_key="pipedrive").update(enabled=False)
    systems.save_lead("created", "Able")
    assert len(systems.send()) == 1
    assert not RememberedWrite.unscoped.exists()


def test_records_that_bounce_are_held_with_one_notice(systems):
    systems.save_lead("created", "0")
    systems.send()
    for name in "1234":
        systems.save_lead("updated", name)
        systems.send()
    states = [systems.save_person("change", name, {"name": "x"}) for name in ("other", "more")]
    assert states == ["held", "held"]
    assert Notice.unscoped.get(kind="bouncing").connection == systems.pipedrive
    assert systems.send() == []
