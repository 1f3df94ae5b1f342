"""The API's description: complete, without warnings, and open to be read."""

import json
import os
import re

import pytest
from django.core.management import call_command
from drf_spectacular.drainage import GENERATOR_STATS
from jsonschema import Draft202012Validator

from hub.rest.openapi_view import build_openapi_document
from tenants.models import Tenant
from tests.openapi_examples import (
    FILE,
    fill_path,
    list_operations,
    make_rows,
    render_examples,
    request_examples,
)


@pytest.fixture
def described(client):
    return client.get("/api/v1/openapi.json").json()


def test_the_description_is_valid_and_complains_of_nothing(tmp_path):
    GENERATOR_STATS.reset()
    call_command(
        "spectacular",
        "--validate",
        "--fail-on-warn",
        "--format",
        "openapi-json",
        "--file",
        tmp_path / "api",
    )
    assert not GENERATOR_STATS
    assert json.loads((tmp_path / "api").read_text())["paths"]


@pytest.mark.parametrize("query", ["version=%0Ax", "lang=xx", "lang=%00"])
def test_the_description_is_made_once_whatever_a_stranger_asks(client, query):
    client.get("/api/v1/openapi.json")
    made = build_openapi_document.cache_info().misses
    answer = client.get(f"/api/v1/openapi.json?{query}")
    assert (answer.status_code, answer.content) == (200, build_openapi_document())
    assert build_openapi_document.cache_info().misses == made


def operations(described):
    return [(f"{verb} {path}", entry) for path, verb, entry in list_operations(described)]


def test_each_operation_has_a_summary_a_description_examples_and_its_problems(described):
    found = operations(described)
    assert len(found) >= 50
    for where, operation in found:
        answers = operation["responses"]
        assert operation["summary"] and operation["description"], where
        fine = next(answer for status, answer in answers.items() if status.startswith("2"))
        assert "content" not in fine or fine["content"]["application/json"]["examples"], where
        for status in ("401", "403", "503"):
            assert answers[status]["content"]["application/problem+json"]["examples"], where
        if "requestBody" in operation:
            assert {"400", "413", "415"} <= answers.keys(), where
    assert len({operation["summary"] for _, operation in found}) == len(found)


def test_a_body_is_required_where_something_in_it_is(described):
    optional = {
        where
        for where, op in operations(described)
        if op.get("requestBody", {"required": True}).get("required") is not True
    }
    assert optional == {
        "patch /api/v1/connections/{id}",
        "post /api/v1/connections/{id}/directory",
        "post /api/v1/connections/{id}/disconnect",
        "post /api/v1/connections/{id}/schema/refresh",
        "patch /api/v1/jobs/{id}",
        "post /api/v1/jobs/{id}/runs",
        "patch /api/v1/routes/{id}",
        "post /api/v1/routes/{id}/try",
        "patch /api/v1/mappings/{id}",
        "post /api/v1/mappings/{id}/try",
        "post /api/v1/discrepancies/{id}/repair",
        "post /api/v1/integrations/{id}/upgrade",
        "post /api/v1/recipes/{key}/rehearsals",
        "post /api/v1/tenants/{reference}/users/directory",
    }


def component_of(described, schema):
    return described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]


def json_bodies(operation):
    content = operation.get("requestBody", {}).get("content", {})
    return [body for media_type, body in content.items() if media_type == "application/json"]


def test_a_request_takes_no_field_that_is_not_described(described):
    for where, operation in operations(described):
        for content in json_bodies(operation):
            one = component_of(described, content["schema"])
            parts = [part.get("items", part) for part in one.get("oneOf", [])]
            for component in [component_of(described, part) for part in parts] or [one]:
                assert component["additionalProperties"] is False, where


@pytest.fixture
def ids(make, settings):
    return make_rows(make, settings)


@pytest.mark.django_db
def test_each_example_of_a_response_is_what_the_api_answers_over_these_rows(api, described, ids):
    """`HUB_WRITE_EXAMPLES=1 pytest -n0 tests/test_openapi.py` writes them anew."""
    rendered = render_examples(api, described, ids, Tenant.objects.get())
    if os.environ.get("HUB_WRITE_EXAMPLES"):
        FILE.write_text(json.dumps(rendered, indent=1, ensure_ascii=False) + "\n")
    assert rendered == json.loads(FILE.read_text())


@pytest.mark.django_db
def test_each_example_of_a_request_is_accepted_today(api, described, ids):
    shop, platform = api.of(Tenant.objects.get()), api.platform()
    refused = {}
    for where, operation in sorted(
        operations(described), key=lambda entry: entry[0].endswith(("disable", "disconnect"))
    ):
        verb, path = where.split()
        client = platform if "tenants" in path else shop
        for name, value, form in request_examples(operation):
            answer = getattr(client, verb)(fill_path(path, ids), value, **form)
            if answer.status_code >= 300:
                refused[where, name] = answer.json()["code"]
    asks_outside = {"post /api/v1/connections", "patch /api/v1/connections/{id}"}
    is_past = {"post /api/v1/sources/{id}/read-missed"}  # its times are older than what can be read
    assert {where for where, _ in refused} <= asks_outside | is_past, refused


def contents(described):
    for path, verbs in described["paths"].items():
        for verb, operation in verbs.items():
            for part in (operation.get("requestBody"), *operation["responses"].values()):
                for content in (part or {}).get("content", {}).values():
                    yield f"{verb} {path}", content


def test_every_example_is_what_its_schema_says(described):
    for where, content in contents(described):
        schema = content["schema"] | {"components": described["components"]}
        for example in content.get("examples", {}).values():
            wrong = [
                error.message
                for error in Draft202012Validator(schema).iter_errors(example["value"])
            ]
            assert wrong == [], where


def test_the_keys_are_described(described):
    assert described["components"]["securitySchemes"]["ApiKey"]["scheme"] == "bearer"
    assert described["openapi"] == "3.1.1"


def test_the_docs_page_keeps_the_policy(client):
    page = client.get("/api/docs/reference/")
    text = page.content.decode()
    assert page.status_code == 200
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"""(src|href)="?https?://""", text)
    script = client.get("/api/docs/reference/?script=")
    assert script["Content-Type"].startswith("application/javascript")
