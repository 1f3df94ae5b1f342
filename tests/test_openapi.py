"""The API's description: complete, without warnings, and open to be read."""

import re

import pytest
from django.core.management import call_command
from drf_spectacular.drainage import GENERATOR_STATS
from jsonschema import Draft202012Validator


@pytest.fixture
def described(client):
    return client.get("/api/v1/openapi.json").json()


def test_the_description_is_valid_and_complains_of_nothing(tmp_path):
    GENERATOR_STATS.reset()
    call_command("spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json", "--file", tmp_path / "api")


def test_each_operation_of_events_deliveries_and_connections_has_examples_and_its_problems(described):
    operations = [
        (path, verb, operation)
        for path, verbs in described["paths"].items()
        for verb, operation in verbs.items()
        if path.startswith(("/api/v1/events", "/api/v1/deliveries", "/api/v1/conne"))
    ]
    assert len(operations) >= 22
    for path, verb, operation in operations:
        answers = operation["responses"]
        fine = next(answer for status, answer in answers.items() if status.startswith("2"))
        assert fine["content"]["application/json"]["examples"], (path, verb)
        for status in ("401", "403", "503"):
            assert answers[status]["content"]["application/problem+json"]["examples"], (path, verb)
        assert operation["description"], (path, verb)


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
            wrong = [error.message for error in Draft202012Validator(schema).iter_errors(example["value"])]
            assert wrong == [], where


def test_the_keys_are_described(described):
    assert described["components"]["securitySchemes"]["ApiKey"]["scheme"] == "bearer"
    assert described["openapi"] == "3.1.1"


def test_the_docs_page_keeps_the_policy(client):
    page = client.get("/api/docs/")
    text = page.content.decode()
    assert page.status_code == 200
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"""(src|href)="?https?://""", text)
    script = client.get("/api/docs/?script=")
    assert script["Content-Type"].startswith("application/javascript")
