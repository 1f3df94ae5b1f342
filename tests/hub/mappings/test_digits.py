"""A number in a mapping, a filter or the options of a job keeps its digits, or is refused."""

import json
from decimal import Decimal

import pytest
from django import forms

from connectors.http import load_json
from hub.mappings.json_fields import BodyField
from hub.mappings.models import MappingVersion
from hub.mappings.rows.row_values import InvalidRow, Row, leaf_of_row
from hub.mappings.translate import MappingError, compile_filter
from hub.portal.endpoints.filter_builder import build_literal
from hub.scheduled.forms.conditions import ConditionsField
from hub.scheduled.forms.job_form import OptionsField
from hub.scheduled.models import Job
from tenants.models import Tenant

pytestmark = pytest.mark.corrections(item="1.5")
ROUNDED = ["0.1234567890123456789", "123456789012345678.5", "1e400", "1e-400"]
REFUSED = "has more digits than are stored here"
MAPPING = '{"name": "Orders", "connector": "webhook", "action": "send", "body": {"total": %s}}'
ROUTE = MAPPING.replace('"name"', '"event_type": "order.*", "name"')
JOB = (
    '{"name": "Orders", "kind": "report", "connector": "salesforce", "cron": "0 9 * * 1",'
    ' "options": {"query": {"conditions": [{"field": "TotalAmount", "is": "equal", "value": %s}]}}}'
)
SCOPES = ("mappings:write", "routes:write", "jobs:write")
each_rounded = pytest.mark.parametrize("number", ROUNDED)


@pytest.fixture
def client(make, api):
    return api.of(make.tenant("acme"), scopes=SCOPES)


def post(client, address, body):
    return client.post(f"/api/v1/{address}", body, content_type="application/json")


@each_rounded
@pytest.mark.parametrize(
    ("address", "body"), [("mappings", MAPPING), ("routes", ROUTE), ("jobs", JOB)]
)
def test_a_key_is_refused_a_number_that_a_float_would_round(client, address, body, number):
    answer = post(client, address, body % number)
    detail = answer.json()["detail"]
    assert answer.status_code == 400
    assert number in detail and REFUSED in detail
    assert not MappingVersion.unscoped.exists() and not Job.unscoped.exists()


@pytest.mark.parametrize("number", ["0.1", "12345678901234567890", "-1.5e3"])
def test_a_number_that_is_accepted_keeps_its_digits(client, number):
    assert post(client, "mappings", MAPPING % number).status_code == 201
    (body,) = MappingVersion.unscoped.values_list("body", flat=True)
    assert Decimal(repr(body["total"])) == Decimal(number)


@each_rounded
@pytest.mark.parametrize("field", [BodyField(), OptionsField()])
def test_forms_refuse_it(field, number):
    with pytest.raises(forms.ValidationError, match=REFUSED):
        field.clean(f'{{"total": {number}}}')


@each_rounded
def test_the_editor_of_rows_and_lines_of_conditions_refuse_it(number):
    with pytest.raises(InvalidRow, match=REFUSED):
        leaf_of_row(Row("total", "constant", number))
    with pytest.raises(forms.ValidationError, match=REFUSED):
        ConditionsField().clean(f"Total = {number}")


@pytest.mark.parametrize("number", ["0.1234567890123456789", "12345678901234567890", "0.1"])
def test_a_number_in_an_expression_keeps_its_digits(number):
    document = {"data": {"total": load_json(number)}}
    assert compile_filter(f"data.total == `{number}`").passes(document)
    assert not compile_filter(f"data.total == `{number[:-1]}2`").passes(document)
    assert compile_filter(f"text(`{number}`) == '{number}'").passes(document)


@pytest.mark.parametrize("number", ["1e400", "1e-400", "0.1234567890123456789012345678901234567"])
def test_a_number_with_more_digits_is_refused_in_an_expression(number):
    with pytest.raises(MappingError, match="a number has at most 34 digits"):
        compile_filter(f"data.total > `{number}`")


def test_a_condition_that_is_built_by_clicks_keeps_the_digits():
    assert build_literal("is", "0.1234567890123456789") == "`0.1234567890123456789`"
    assert json.loads(build_literal("is", "7.5").strip("`")) == 7.5


@pytest.mark.parametrize("number", ["0.1234567890123456789", "123456789012345678.5", "19.90"])
def test_a_trial_shows_the_digits_that_would_be_sent(make, client, number):
    mapping = make.mapping(Tenant.objects.get(), "webhook", "send", {"total": "data.total"})
    answer = post(client, f"mappings/{mapping.public_id}/try", f'{{"data": {{"total": {number}}}}}')
    assert Decimal(str(load_json(answer.content)["result"]["total"])) == Decimal(number)


@pytest.mark.parametrize("number", ["0.1234567890123456789", "123456789012345678.5"])
def test_a_trial_refuses_a_mapping_whose_number_could_not_be_stored(make, client, number):
    mapping = make.mapping(Tenant.objects.get(), "webhook", "send", {"total": "data.total"})
    body = f'{{"data": {{}}, "body": {{"total": {number}}}}}'
    answer = post(client, f"mappings/{mapping.public_id}/try", body)
    assert answer.status_code == 400
    assert number in answer.content.decode() and REFUSED in answer.content.decode()
