"""Each recipe, switched on, makes the requests of its sentence, as the connectors build them."""

import json
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.http import Response
from connectors.salesforce.actions import API_VERSION
from hub.outgoing.intake.event_input import EventInput
from hub.outgoing.intake.publish import publish_batch
from hub.outgoing.models import Delivery
from hub.outgoing.pump.loop import run_pump
from hub.outgoing.subscriptions.notice_channels import list_notice_channels
from hub.recipes.definitions import RECIPES
from hub.recipes.rehearsal import rehearse_integration
from hub.scheduled.models import Run
from hub.scheduled.runs.run_actions import start_run
from tests.factories import NOON, WHSEC
from tests.fakes import FakeHttp
from tests.hub.recipes.integrations import SYSTEM, create_integration
from tests.hub.scheduled.logs import store_lines
from tests.hub.scheduled.run_helpers import Network, Time, run_due

ANSWERS = {
    key: {question.key: "C024BE91L" for question in recipe.questions if question.kind == "choice"}
    for key, recipe in RECIPES.items()
}
SLACK = "https://slack.com/api/chat.postMessage"
SALESFORCE = f"https://acme.my.salesforce.com/services/data/{API_VERSION}"
# by recipe and part: method, URL, and values that the body has
REQUESTS = {
    ("order_to_slack", "message"): (
        "POST",
        SLACK,
        {
            "channel": "C024BE91L",
            "text": "New order A-1001 from Ann Archer: 32.50 EUR (Wednesday, 12:00)",
        },
    ),
    ("order_cancelled_to_slack", "message"): (
        "POST",
        SLACK,
        {
            "channel": "C024BE91L",
            "text": "Order A-1001 from Ann Archer was cancelled: 32.50 EUR",
        },
    ),
    ("order_to_salesforce", "opportunity"): (
        "PATCH",
        f"{SALESFORCE}/composite/sobjects/Opportunity/OrderNumber__c",
        {
            "OrderNumber__c": "A-1001",
            "Name": "Ann Archer, 32.50 EUR",
            "StageName": "Closed Won",
            "CloseDate": "2026-11-25",
            "Amount": 32.5,
            "Description": "Earl Grey, Teapot for ann@example.com",
        },
    ),
    ("order_to_pipedrive", "deal"): (
        "POST",
        "https://api.pipedrive.com/api/v2/deals",
        {"title": "A-1001 from Ann Archer", "value": 32.5, "currency": "EUR", "status": "won"},
    ),
    ("deal_won_to_slack", "won"): (
        "POST",
        SLACK,
        {"channel": "C024BE91L", "text": "Deal won: Office supplies, 1,200.00 EUR"},
    ),
    ("deal_won_to_slack", "created_won"): (
        "POST",
        SLACK,
        {"channel": "C024BE91L", "text": "Deal won: Office supplies, 1,200.00 EUR"},
    ),
    ("failed_deliveries_to_slack", "failing"): (
        "POST",
        SLACK,
        {
            "channel": "C024BE91L",
            "text": "All attempts to deliver to “Salesforce” have failed since 09:30. It will be "
            "disabled on 3 December.",
        },
    ),
    ("failed_deliveries_to_slack", "disabled"): ("POST", SLACK, {"channel": "C024BE91L"}),
    ("failed_deliveries_to_slack", "needs_reconnect"): ("POST", SLACK, {"channel": "C024BE91L"}),
    ("person_to_lead", "lead"): (
        "POST",
        f"{SALESFORCE}/composite/sobjects",
        {"LastName": "Ann Able", "Company": "Acme Teas", "Email": "ann@example.com"},
    ),
    ("salesforce_order_to_label", "label"): (
        "POST",
        "https://app.example.com/hub/labels",
        {
            "order": "00000101",
            "recipient": "Acme Teas",
            "address": "1 Harbour Street, 20457, Hamburg, Germany",
            "tenant": "acme",
        },
    ),
    ("salesforce_account_to_customer", "customer"): (
        "POST",
        "https://app.example.com/hub/customers",
        {"name": "Acme Teas", "reference": "0015g00000ABCDEAAA", "tenant": "acme"},
    ),
    ("slack_question", "question"): (
        "POST",
        "https://app.example.com/hub/questions",
        {"text": "<@U0BOT00001> where is order A-1001?", "thread_ts": "1764000000.000100"},
    ),
}
# by recipe and part: the beginning of the first URL that a run calls, and words of its query
CALLS = {
    ("weekly_sales_to_slack", "report"): (
        f"{SALESFORCE}/query",
        "FROM Order",
    ),
    ("orders_reconciled_with_salesforce", "comparison"): (
        "https://app.example.com/hub/orders",
        "acme",
    ),
    ("person_to_lead", "missed"): ("https://api.pipedrive.com/api/v2/persons", ""),
    ("logs_to_splunk", "shipping"): ("https://splunk.example.com:8088/services/collector", ""),
}
ROUTES = [(recipe.key, route) for recipe in RECIPES.values() for route in recipe.routes]


@pytest.fixture
def acme(make):
    """A tenant that has connected every system; our own application is connected for all."""
    tenant = make.tenant("acme")
    for connector in ("slack", "salesforce", "splunk"):
        make.connection(tenant, connector)
    make.connection(tenant, "pipedrive", secret={"access_token": "v1u:acme-1"})
    make.connection(connector="app", secret={"signing_secret": WHSEC})
    return tenant


def publish(tenant, route, data):
    """Publish an event as the route takes it: from our application, or from its origin."""
    origin = tenant.connections.filter(connector_key=route.origin).first()
    event = EventInput(tenant, route.event_type, data, id="1", origin=origin)
    publish_batch([event], source=route.origin or "app", now=NOON)


def send():
    http = FakeHttp(Response(500))
    run_pump(clock=lambda: NOON, open_client=http.outlet, random=lambda: 0, idle_seconds=0)
    return http.requests


def test_every_recipe_of_the_issue_is_in_the_catalogue():
    assert len(RECIPES) == 13
    parts = {(recipe.key, part.key) for recipe in RECIPES.values() for part in recipe.parts}
    assert parts == REQUESTS.keys() | CALLS.keys() | {("failed_deliveries_to_slack", "daily")}


@pytest.mark.parametrize(("key", "route"), ROUTES, ids=lambda value: getattr(value, "key", value))
def test_an_event_becomes_the_request(acme, key, route):
    create_integration(acme, key, ANSWERS[key])
    publish(acme, route, route.sample)
    (request,) = send()
    method, url, values = REQUESTS[key, route.key]
    assert (request.method, request.url) == (method, url)
    (body,) = json.loads(request.content()).get("records") or [json.loads(request.content())]
    assert {name: body.get(name) for name in values} == values


@pytest.mark.parametrize("key", RECIPES)
def test_a_rehearsal_succeeds_with_the_sample(acme, key):
    rehearsal = rehearse_integration(RECIPES[key], acme, ANSWERS[key], now=NOON)
    assert [part.dry_run for part in rehearsal.parts if part.dry_run and part.dry_run.gaps] == []
    assert rehearsal.succeeds


@pytest.mark.parametrize(("key", "part"), CALLS, ids=lambda value: value)
def test_a_run_calls_the_system(acme, key, part):
    integration = create_integration(acme, key, ANSWERS[key])
    job = integration.parts.get(key=part).job
    store_lines(acme, {"message": "one"})
    start_run(job, acme, SYSTEM, now=NOON)
    network = run_due(Network(Response(500)), clock=Time(step=timedelta(seconds=1)))
    request = network.requests[0]
    url, words = CALLS[key, part]
    assert request.url.startswith(url)
    assert words in str(parse_qs(urlsplit(request.url).query))


def test_the_daily_count_is_posted(make, acme):
    key = "failed_deliveries_to_slack"
    integration = create_integration(acme, key, ANSWERS[key])
    start_run(integration.parts.get(key="daily").job, acme, SYSTEM, now=NOON)
    run_due()
    assert Run.unscoped.get().state == "finished"
    assert Delivery.unscoped.get().connection.connector_key == "slack"


WON = {"record": {"id": 1, "title": "T", "value": 1, "currency": "EUR", "status": "won"}}


@pytest.mark.parametrize(
    ("data", "is_posted"),
    [
        (WON | {"previous": {"status": "open"}}, True),
        (WON | {"previous": {"status": "lost", "value": 2}}, True),
        (WON | {"previous": {"value": 2}}, False),
        (WON | {"previous": {}}, False),
        ({"record": {"status": "lost"}, "previous": {"status": "open"}}, False),
    ],
)
def test_a_deal_is_posted_when_it_becomes_won(acme, data, is_posted):
    recipe = RECIPES["deal_won_to_slack"]
    create_integration(acme, recipe.key, ANSWERS[recipe.key])
    publish(acme, recipe.routes[0], data)
    assert bool(send()) == is_posted


@pytest.mark.corrections(item="3.8")
@pytest.mark.parametrize("key", ["order_to_slack", "order_cancelled_to_slack"])
@pytest.mark.parametrize("name", ["number", "customer"])
def test_no_value_of_an_order_calls_a_whole_channel(acme, key, name):
    (route,) = RECIPES[key].routes
    create_integration(acme, key, ANSWERS[key])
    publish(acme, route, route.sample | {name: "<!channel> & co"})
    (request,) = send()
    text = json.loads(request.content())["text"]
    assert "&lt;!channel&gt; &amp; co" in text and "<" not in text


def test_other_notices_are_not_posted(make, acme):
    create_integration(acme, "failed_deliveries_to_slack", ANSWERS["failed_deliveries_to_slack"])
    make.event(acme, type="connection.works_again", data={"sentence": "It works."})
    assert send() == []


def test_the_channels_of_notices_are_not_changed_by_the_integration(acme):
    key = "failed_deliveries_to_slack"
    create_integration(acme, key, ANSWERS[key])
    slack = acme.connections.get(connector_key="slack")
    (channel,) = [one for one in list_notice_channels(acme) if one.connection == slack]
    assert not channel.enabled and channel.other_route is not None


def test_an_event_that_our_application_names_like_a_system_is_not_taken(make, acme):
    recipe = RECIPES["person_to_lead"]
    create_integration(acme, recipe.key, {})
    make.event(acme, type="pipedrive.person.created", data=recipe.routes[0].sample)
    assert send() == []
