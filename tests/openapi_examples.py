"""The examples of the API's responses: what it answers over these rows, without what differs."""

import json
import re
from contextlib import contextmanager
from pathlib import Path

from django.db import transaction

from hub.rest.openapi import EXAMPLE_ORIGIN, EXAMPLE_TIME
from hub.schemas.models import ObjectSchema
from tests.factories import NOON

FILE = Path(__file__).resolve().parents[1] / "hub" / "rest" / "examples.json"
ID = "01a21100-0000-7000-8000-{:012}"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# replaced in this order: the same text always stands in their place
REPLACEMENTS = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)"), EXAMPLE_TIME),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?"), "2026-11-25 12:00:00"),
    (re.compile(r"http://(testserver|127\.0\.0\.1:\d+|localhost:\d+)"), EXAMPLE_ORIGIN),
    (re.compile(r"whsec_[\w+/=-]+"), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    (re.compile(r"(?<=/)[\w-]{43}(?=/|$)"), "3vQeUZ4rT0sPz7Lk2mXbN9cWdYfHgJ5aE8iR1oKtVuS"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "9f86d081884c7d659a2feaa0c55ad015" * 2),
    (re.compile(r'(?<="id":")[A-Za-z0-9]{8}(?=")'), "M1cHw8Jq"),  # of an API key
)
LAST_NAME = {
    "key": "LastName",
    "label": "Last name",
    "type": "text",
    "required": True,
    "writable": True,
    "picklist": [],
    "references": [],
    "max_length": 80,
    "help": "",
}
ENTRIES_SHOWN = 2  # of a list of objects


def make_rows(make, settings):
    """Make the rows; return the ids that paths name, by their third part or the whole path."""
    settings.HUB_PORTAL_RETURN_URLS = ["https://app.example.com"]
    settings.HUB_ACTION_WAIT_SECONDS = 0.0
    tenant = make.tenant("acme")
    salesforce = {"client_id": "x", "client_secret": "y"}
    make.app("slack", {**salesforce, "signing_secret": "z"})
    make.app("salesforce", salesforce)
    route = make.route(make.connection(tenant, "slack"))
    crm = make.connection(tenant, "salesforce")
    make.connection(None, "app")  # whose users are read
    repairable = make.discrepancy(crm, remote_id="a015g00000AbCdEAAV")
    pipedrive = make.connection(tenant, "pipedrive", secret={"access_token": "x"})
    source = make.source(pipedrive, heard_at=NOON)
    delivery = make.delivery(make.connection(tenant, "webhook"))
    reconciliation = make.job(tenant, name="Orders and Salesforce")
    run = make.finished_run(reconciliation, tenant)
    ObjectSchema.unscoped.create(
        connection=crm, object_key="Lead", label="Lead", fields=[LAST_NAME], read_at=NOON
    )
    make.identity(route.connection, "channel", "orders", "C0123456789", name="#orders")
    return {
        "connections": route.connection.public_id,
        "members": make.membership(tenant, make.user()).public_id,
        "routes": route.public_id,
        "mappings": route.mapping.public_id,
        "jobs": make.job(tenant, kind="report", options={}).public_id,
        "integrations": make.integration(tenant).public_id,
        "discrepancies": make.discrepancy(crm).public_id,
        "events": delivery.event.public_id,
        "deliveries": delivery.public_id,
        "runs": run.public_id,
        "drift": make.drift_finding(crm).public_id,
        "inbound": make.inbound_item(pipedrive, reason="").public_id,
        "webhook-subscriptions": make.webhook_subscription(
            pipedrive, key="person.create", event_types=["person.created"]
        ).public_id,
        "sources": source.public_id,
        "gaps": make.gap(source).public_id,
        "connect-links": make.connect_link(tenant, "slack").public_id,
        "portal-links": make.portal_link(tenant).public_id,
        "/api/v1/integrations/{id}/upgrade": make.integration(
            tenant, recipe_version=0, answers={"channel": "C024BE91L"}
        ).public_id,
        "/api/v1/connections/{id}/schema/objects/{object}": crm.public_id,
        "/api/v1/connections/{id}/rotate-signing-secret": delivery.connection.public_id,
        "/api/v1/discrepancies/{id}/repair": repairable.public_id,
        "/api/v1/connections/{id}/subscription": make.connection(tenant).public_id,
    }


def fill_path(path, ids):
    id = ids.get(path) or ids.get(path.split("/")[3])
    url = path.replace("{id}", str(id)).replace("{reference}", "acme").replace("{object}", "Lead")
    return url.replace("{action}", "post_message").replace("{key}", "order_to_slack")


def list_operations(described):
    for path, verbs in described["paths"].items():
        for verb, operation in verbs.items():
            yield path, verb, operation


def request_examples(operation):
    """Yield the name and the value of each example, with the arguments that send it."""
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        form = (
            {"format": "json"}
            if media_type == "application/json"
            else {"content_type": media_type, "HTTP_IDEMPOTENCY_KEY": media_type}
        )
        for name, example in content["examples"].items():
            yield name, example["value"], form


@contextmanager
def undone():
    """Undo what is done inside."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def render_examples(api, described, ids, tenant):
    """Return the responses by operation and name.

    Where another system would have to answer, it is that of an operation with the same schema.
    """
    platform, own = api.platform(), api.of(tenant)
    examples, by_schema = {}, {}
    for path, verb, operation in list_operations(described):
        client = platform if "tenants" in path or "night" in path else own
        requests = list(request_examples(operation)) or [("response", None, {"format": "json"})]
        for name, value, form in requests:
            with undone():
                answer = getattr(client, verb)(fill_path(path, ids), value, **form)
            is_json = answer.headers.get("Content-Type", "").startswith("application/json")
            if answer.status_code < 300 and is_json and answer.content:
                document = normalize(answer.content.decode())
                examples.setdefault(operation["operationId"], {})[name] = document
                by_schema[find_response_schema(operation)] = document
    for _path, _verb, operation in list_operations(described):
        schema = find_response_schema(operation)
        if operation["operationId"] not in examples and schema in by_schema:
            examples[operation["operationId"]] = {"response": by_schema[schema]}
    return examples


def find_response_schema(operation):
    """Return the schema of the first response without an error, as JSON; "" if it has no body."""
    response = next(entry for status, entry in operation["responses"].items() if status < "3")
    return json.dumps(
        response["content"]["application/json"]["schema"] if "content" in response else ""
    )


def normalize(text):
    ids = {}
    text = UUID.sub(lambda match: ids.setdefault(match[0], ID.format(len(ids) + 1)), text)
    for pattern, replacement in REPLACEMENTS:
        text = pattern.sub(replacement, text)
    return shorten(json.loads(text))


def shorten(value):
    if isinstance(value, dict):
        return {key: shorten(entry) for key, entry in value.items()}
    if isinstance(value, list):
        are_objects = any(isinstance(entry, dict) for entry in value)
        return [shorten(entry) for entry in (value[:ENTRIES_SHOWN] if are_objects else value)]
    return value
