"""Which changes an expected echo explains: those of the same record and kind, and of the time of
the write. True changes are published.
"""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from django.db import transaction

from hub.db.clock import clock
from hub.egress import ResponseNotReceived
from hub.outgoing.echo.recognize import ReceivedChange, recognize_changes
from hub.outgoing.models import Delivery, RememberedWrite, Route
from tests.fakes import FakeHttp
from tests.hub.outgoing.echo.test_round_trip import LEAD, PERSON, TwoSystems
from tests.hub.outgoing.pump.test_loop import pump

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.corrections(item="2.1"),
]

US, COLLEAGUE = "005000000000001AAA", "005000000000002AAA"


class Start:
    """What all functions here take for the time, to the second: when the test began."""

    began_at = datetime.now(UTC)


@pytest.fixture(autouse=True)
def note_time():
    """Modules are imported long before their last test runs, and writes have the time of now."""
    Start.began_at = datetime.now(UTC).replace(microsecond=0)


def at(seconds):
    """A time by the clock of a system, as its API writes it."""
    return (Start.began_at + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


@pytest.fixture
def systems(client, make):
    systems = TwoSystems(client, make)
    systems.salesforce.settings |= {"user_id": US}
    systems.salesforce.save()
    return systems


@pytest.fixture
def person(systems):
    """A lead of another person that the hub has made a person of; its echo has arrived."""
    systems.save_lead("created", "Able")
    systems.send()
    assert systems.save_person("create", "Able") == "echo"
    return systems


@pytest.fixture
def lead(systems):
    """A person whom the hub has made a lead of; its echo has not arrived."""
    systems.save_person("create", "Able")
    systems.send()
    return systems


def write_person(systems, name):
    """Let the hub write the name of the person, since the lead was saved with it."""
    assert systems.save_lead("updated", name) == "processed"
    assert systems.send()[0][0] == "PATCH"


def write_lead(systems, name, date=0):
    """Let the hub write the name of the lead; Salesforce answers at this second."""
    systems.headers = {
        "date": format_datetime(Start.began_at + timedelta(seconds=date), usegmt=True)
    }
    assert systems.save_person("change", name, {"name": "x"}) == "processed"
    assert systems.send()[0][0] == "PATCH"


def test_a_write_that_changed_nothing_explains_no_change_after_a_published_one(person):
    write_person(person, "Able")  # as it was: Pipedrive sends no webhook
    assert person.save_person("change", "Baker", {"name": "Able"}) == "processed"
    person.send()
    assert person.save_person("change", "Able", {"name": "Baker"}) == "processed"


def test_a_write_explains_no_change_of_another_time_than_the_answer_states(person):
    person.person = {"update_time": at(0)}
    write_person(person, "Able")
    state = person.save_person("change", "Able", {"name": "Baker"}, update_time=at(40))
    assert state == "processed"


def test_no_echo_is_expected_if_the_answer_says_that_nothing_changed(person):
    person.person = {"update_time": at(-86_400)}
    write_person(person, "Able")
    assert RememberedWrite.unscoped.filter(change="updated").get().expected_echoes == 0
    assert person.save_person("change", "Able", {"name": "Baker"}) == "processed"


def test_a_delayed_echo_is_recognized_after_a_later_change_was_published(person):
    person.person = {"update_time": at(0)}
    write_person(person, "Baker")
    later = person.save_person("change", "Carter", {"name": "Baker"}, update_time=at(30))
    delayed = person.save_person("change", "Baker", {"name": "Able"}, update_time=at(0))
    assert (later, delayed) == ("processed", "echo")


@pytest.mark.parametrize(("source", "state"), [("app", "processed"), ("api", "echo")])
def test_what_a_person_changes_in_pipedrive_itself_is_no_echo(person, source, state):
    write_person(person, "Baker")
    meta = {"change_source": source}
    assert person.save_person("change", "Baker", {"name": "Able"}, meta=meta) == state


def delete_deal(systems, make, *, meta=()):
    """Let the hub delete a deal, and Pipedrive tell of a deletion; return the item's state."""
    make.delivery(systems.pipedrive, data={"a": 1})
    assert [method for method, _ in systems.send()] == ["DELETE"]
    return tell_deletion(systems, meta=meta)


def tell_deletion(systems, *, meta=(), **fields):
    about = {"entity": "deal", "change_source": "api", **dict(meta)}
    return systems.save_person("delete", "Deal", meta=about, update_time=at(-90), **fields)


@pytest.fixture
def deals(client, make):
    """Two systems of which one is told what is deleted in the other."""
    systems = TwoSystems(client, make)
    systems.pipedrive.settings |= {"user_id": "7"}
    systems.pipedrive.save()
    make.route(systems.pipedrive, action="delete_deal", body={"id": "'31'"})
    make.route(
        systems.salesforce,
        event_type="pipedrive.deal.deleted",
        origin_connector_key="pipedrive",
        action="delete_record",
        body={"object": "'Lead'", "record_id": f"'{LEAD}'"},
    )
    return systems


@pytest.mark.corrections(item="1.11")
def test_a_deletion_by_the_hub_is_no_event_when_it_comes_back(deals, make):
    assert delete_deal(deals, make) == "echo"
    assert deals.send() == []
    assert tell_deletion(deals) == "processed"  # it was restored, and deleted again


@pytest.mark.corrections(item="1.11")
@pytest.mark.parametrize("meta", [{"change_source": "app"}, {"user_id": "8"}, {"entity_id": "32"}])
def test_a_deletion_by_a_person_or_of_another_deal_is_published(deals, make, meta):
    assert delete_deal(deals, make, meta=meta) == "processed"


def test_the_first_change_of_a_record_that_the_hub_made_is_published(lead):
    """Salesforce is asked for changes only: no message tells of the creation."""
    Route.unscoped.filter(event_type="salesforce.lead.created").update(enabled=False)
    assert lead.save_lead("updated", "Able", Status="Contacted") == "processed"


def test_no_echo_is_expected_of_a_kind_that_no_route_takes(systems):
    Route.unscoped.filter(event_type="salesforce.lead.created").update(enabled=False)
    systems.save_person("create", "Able")
    systems.send()
    write = RememberedWrite.unscoped.get()
    assert (write.change, write.expected_echoes, write.record) == ("created", 0, LEAD)


@pytest.mark.parametrize("author", [US, COLLEAGUE])
def test_a_delayed_echo_of_a_creation_with_later_data_makes_no_second_record(lead, author):
    origin = {"CreatedById": US, "LastModifiedById": author}
    assert lead.save_lead("updated", "Baker", **origin, LastModifiedDate=at(9)) == "processed"
    lead.send()
    assert lead.save_lead("created", "Baker", **origin, LastModifiedDate=at(9)) == "echo"
    assert lead.send() == []


def test_a_state_that_was_published_is_not_published_again_for_a_delayed_echo(lead):
    write_lead(lead, "Baker")
    later = {"LastModifiedById": COLLEAGUE, "LastModifiedDate": at(30)}
    assert lead.save_lead("updated", "Carter", **later) == "processed"
    write_lead(lead, "Dale", date=30)  # while the echo of the first write is under way
    assert lead.save_lead("updated", "Carter", **later) == "echo"
    again = {**later, "LastModifiedDate": at(31)}
    assert lead.save_lead("updated", "Carter", **again) == "processed"


@pytest.mark.parametrize(("seconds", "state"), [(0, "echo"), (30, "processed")])
def test_a_later_edit_of_another_field_by_the_connected_person_is_published(lead, seconds, state):
    write_lead(lead, "Baker")
    saved = {"LastModifiedById": US, "LastModifiedDate": at(seconds), "Status": "Contacted"}
    assert lead.save_lead("updated", "Baker", **saved) == state


def test_two_echoes_that_both_tell_the_last_write_are_recognized(lead):
    write_lead(lead, "Baker")
    write_lead(lead, "Carter", date=5)
    saved = {"LastModifiedById": US, "LastModifiedDate": at(5)}
    assert [lead.save_lead("updated", "Carter", **saved) for _ in range(2)] == ["echo", "echo"]


def test_of_two_messages_of_the_second_of_a_write_one_is_published(lead):
    """The first one is the connected person's, and may be the echo; the echo has the same state."""
    write_lead(lead, "Baker")
    saved = {"LastModifiedById": US, "LastModifiedDate": at(0), "Status": "Contacted"}
    states = [lead.save_lead("updated", "Baker", **saved) for _ in range(3)]
    assert states == ["echo", "processed", "echo"]  # the last one is told twice


def test_a_second_state_in_the_second_of_a_write_is_published_while_an_echo_is_missing(lead):
    write_lead(lead, "Able")  # its echo is lost
    write_lead(lead, "Baker", date=5)
    saved = {"LastModifiedById": US, "LastModifiedDate": at(5)}
    assert lead.save_lead("updated", "Baker", **saved) == "echo"
    assert lead.save_lead("updated", "Baker", **saved, Status="Contacted") == "processed"
    assert lead.save_lead("updated", "Baker", **saved, Status="Contacted") == "echo"


def test_two_writes_of_one_second_make_two_states(lead):
    write_lead(lead, "Baker")
    write_lead(lead, "Baker")
    stamps = [{"LastModifiedById": US, "LastModifiedDate": at(second)} for second in (0, 1)]
    states = [lead.save_lead("updated", "Baker", **saved) for saved in stamps]
    assert states == ["echo", "echo"]


@pytest.mark.parametrize("author", [US, COLLEAGUE])
def test_a_former_name_between_late_echoes_is_published_and_written_once(lead, author):
    """In the order in which the bench of echoes once had them."""
    write_lead(lead, "Able")  # changes nothing, but Salesforce tells it
    write_lead(lead, "Baker", date=2)
    of_hub = {"LastModifiedById": US, "LastModifiedDate": at(2), "Status": "Contacted"}
    echoes = [lead.save_lead(change, "Baker", **of_hub) for change in ("updated", "updated")]
    assert [*echoes, lead.save_lead("created", "Baker", **of_hub)] == ["echo"] * 3
    of_person = {**of_hub, "LastModifiedById": author, "LastModifiedDate": at(5)}
    assert lead.save_lead("updated", "Able", **of_person) == "processed"
    assert lead.send() == [("PATCH", {"name": "Able"})]
    assert lead.save_lead("updated", "Able", **of_person) == "echo"
    assert lead.send() == []


def test_a_record_of_a_creation_that_was_sent_twice_makes_no_second_record(systems):
    """The first answer is lost: Pipedrive then has two persons, and the hub knows one of them."""
    systems.save_lead("created", "Able")
    pump(FakeHttp(ResponseNotReceived("timed_out")), at=clock())
    pump(FakeHttp(systems.answer), at=clock() + timedelta(hours=1))
    delivery = Delivery.unscoped.get(route__action="create_person")
    assert (delivery.state, delivery.attempt_count) == ("delivered", 2)
    assert systems.save_person("create", "Able", id="30") == "echo"
    assert systems.save_person("create", "Able") == "echo"


def test_each_echo_of_one_batch_is_counted(person):
    write_person(person, "Baker")
    writes = RememberedWrite.unscoped.filter(change="updated")
    writes.update(expected_echoes=2)  # it was sent twice
    change = ReceivedChange(person.pipedrive.pk, "person", PERSON, {}, {"name": "Baker"})
    with transaction.atomic():
        recognitions = recognize_changes([change] * 3, now=clock())
    assert [found.is_echo for found in recognitions] == [True, True, False]
    assert writes.get().echo_count == 2


def test_an_echo_is_expected_of_a_kind_that_is_registered_with_another(systems):
    """Pipedrive sends all changes of an object, whichever the routes take."""
    Route.unscoped.filter(event_type="pipedrive.person.updated").update(enabled=False)
    systems.save_lead("created", "Able")
    systems.send()
    write_person(systems, "Baker")
    assert systems.save_person("change", "Baker", {"name": "Able"}) == "echo"
