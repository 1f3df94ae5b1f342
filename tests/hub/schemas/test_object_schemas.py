"""Schemas are read through the throttle, stored when they are whole, and found without a call."""

import json
from datetime import timedelta

import pytest

from connectors.http import Response, dump_json
from connectors.outcomes import Outcome
from hub.connections.credentials.provider_call import Patience
from hub.connections.models import Credential
from hub.schemas.erase import erase_schemas
from hub.schemas.models import ChoiceList, ObjectSchema
from hub.schemas.object_schemas import (
    find_object_schema,
    list_schema_objects,
    refresh_object_schema,
    refresh_schema_objects,
)
from hub.throttle.models import QuotaState
from tests.connectors.recorded import recorded
from tests.factories import NOON
from tests.fakes import FakeHttp

pytestmark = pytest.mark.django_db

DESCRIBE = recorded("salesforce", "describe__ok")
FIRST, LAST = (recorded("pipedrive", f"deal_fields__{name}") for name in ("first", "last"))
ERROR = recorded("salesforce", "describe__server_error")
PATIENCE = Patience(timedelta(seconds=4), lambda seconds: None)
ENDED = recorded("salesforce", "describe__session_ended")


@pytest.fixture
def salesforce(make):
    return make.connection(connector="salesforce")


@pytest.fixture
def pipedrive(make):
    return make.connection(
        connector="pipedrive",
        secret={"access_token": "v1u:access", "refresh_token": "v1r:refresh"},
        settings={"api_domain": "https://acme.pipedrive.com"},
    )


def refresh(connection, *answers, object="Contact", **more):
    http = FakeHttp(answers)
    read = refresh_object_schema(
        connection, object, call=http.call, now=NOON, patience=PATIENCE, **more
    )
    return read, http


def test_a_schema_is_read_once_and_found_without_a_call(salesforce):
    assert find_object_schema(salesforce, "Contact") is None
    read, http = refresh(salesforce, DESCRIBE)
    object_schema = find_object_schema(salesforce, "Contact")
    assert (object_schema.label, object_schema.read_at, len(http.requests)) == ("Contact", NOON, 1)
    level = next(field for field in object_schema.schema_fields if field.key == "Level__c")
    assert level.picklist == (("Gold", "Gold"), ("Silver", "Silver level"))
    assert object_schema.schema_fields == read.schema_fields


def test_texts_that_no_database_takes_are_cleaned(salesforce):
    answer = json.loads(DESCRIBE.body)
    answer["label"] = "Con\x00tact"
    answer["fields"][1]["label"] = "Last\x00 \ud800Name"
    answer["fields"][8]["picklistValues"][0]["label"] = "Go\x00ld"
    refresh(salesforce, Response(200, dump_json(answer)))
    object_schema = find_object_schema(salesforce, "Contact")
    assert (object_schema.label, object_schema.schema_fields[1].label) == (
        "Con tact",
        "Last   Name",
    )
    assert object_schema.schema_fields[8].picklist[0] == ("Gold", "Go ld")


def test_a_later_read_replaces_the_earlier_one(salesforce):
    refresh(salesforce, DESCRIBE)
    answer = json.loads(DESCRIBE.body)
    answer["fields"] = answer["fields"][:2]
    refresh(salesforce, Response(200, dump_json(answer)))
    assert [field.key for field in find_object_schema(salesforce, "Contact").schema_fields] == [
        "Id",
        "LastName",
    ]
    assert ObjectSchema.unscoped.count() == 1


def test_a_read_spends_the_quota_of_the_account(salesforce):
    refresh(salesforce, DESCRIBE)
    assert QuotaState.objects.filter(key__contains="salesforce").exists()


def test_pages_are_joined(pipedrive):
    read, http = refresh(pipedrive, FIRST, LAST, object="deals")
    assert len(read.schema_fields) == 8
    assert "cursor=eyJ" in http.requests[1].url
    assert find_object_schema(pipedrive, "deals").label == "Deals"


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ((FIRST, recorded("pipedrive", "deal_fields__missing_scope")), "permission_missing"),
        ((FIRST, Response(503)), "unavailable"),
        ((FIRST, FIRST), "incomplete"),
        ((FIRST, Response(200, LAST.body, is_truncated=True)), "unreadable"),
        ((recorded("pipedrive", "deal_fields__none"),), "unreadable"),
    ],
)
def test_a_read_that_is_not_whole_stores_nothing(pipedrive, answers, reason):
    read, _http = refresh(pipedrive, *answers, object="deals")
    assert isinstance(read, Outcome) and read.reason == reason
    assert find_object_schema(pipedrive, "deals") is None


def test_a_failed_read_keeps_what_was_read_before(salesforce):
    refresh(salesforce, DESCRIBE)
    read, _http = refresh(salesforce, ERROR)
    assert read.reason == "unknown_exception"
    assert len(find_object_schema(salesforce, "Contact").schema_fields) == 10


def test_an_expired_token_is_renewed_in_the_background(salesforce):
    read, _http = refresh(salesforce, ENDED)
    assert read.kind == "refresh"
    assert Credential.unscoped.get(connection=salesforce).refresh_due_at is not None


def test_a_name_that_is_none_is_not_asked_for(salesforce):
    for name in ("Contact/x", "", "x" * 500):
        read, http = refresh(salesforce, object=name)
        assert (read.kind, http.requests) == ("never", [])


def test_a_system_without_schemas_says_so(make):
    slack = make.connection(connector="slack")
    read, http = refresh(slack)
    assert (read.reason, http.requests) == ("unsupported", [])
    assert list_schema_objects(slack) is None


def test_a_low_priority_read_keeps_to_the_share_of_background_work(salesforce):
    refresh(salesforce, DESCRIBE)  # its answer reports 15,000 calls a day
    later = (NOON + timedelta(hours=9)).timestamp()
    QuotaState.objects.update(used_units=13_500, usage_buckets=[[later, 13_500]])
    spent, http = refresh(salesforce, low_priority=True)
    assert (spent.reason, http.requests) == ("throttled", [])
    read, _http = refresh(salesforce, DESCRIBE)
    assert isinstance(read, ObjectSchema)


def test_objects_are_listed_by_their_labels(salesforce):
    assert list_schema_objects(salesforce) is None
    http = FakeHttp(recorded("salesforce", "objects__ok"))
    refresh_schema_objects(salesforce, call=http.call, now=NOON)
    assert [(entry.key, entry.label) for entry in list_schema_objects(salesforce)] == [
        ("Contact", "Contact"),
        ("Order__c", "Web order"),
    ]


def test_the_objects_of_pipedrive_need_no_call(pipedrive):
    http = FakeHttp([])
    read = refresh_schema_objects(pipedrive, call=http.call, now=NOON)
    assert read == list_schema_objects(pipedrive)
    assert [entry.key for entry in read][:2] == ["deals", "persons"]


def test_one_tenants_schemas_are_not_anothers(make, salesforce):
    other = make.connection(connector="salesforce")
    refresh(salesforce, DESCRIBE)
    assert find_object_schema(other, "Contact") is None
    assert not ObjectSchema.objects.of(other.tenant).exists()
    assert ObjectSchema.objects.of(salesforce.tenant).count() == 1


def test_erasing_the_data_of_a_connection_deletes_what_was_read(make, salesforce):
    other = make.connection(connector="salesforce")
    http = FakeHttp(recorded("salesforce", "objects__ok"))
    for connection in (salesforce, other):
        refresh(connection, DESCRIBE)
        refresh_schema_objects(connection, call=http.call, now=NOON)
    erase_schemas(salesforce, now=NOON)
    assert [row.connection for row in ObjectSchema.unscoped.all()] == [other]
    assert [row.connection for row in ChoiceList.unscoped.all()] == [other]
