"""Every text that customers read can be translated: in a language of brackets nothing is read
without them. On one database: these texts are written in Python and in templates.
"""

import ast
import re
from pathlib import Path

import pytest
from django.test import Client
from django.utils.translation.trans_real import translation

from connectors.registry import CONNECTORS
from hub import reason_codes, state_texts
from hub.connections.connecting.troubleshooting import PROBLEMS, explain_problem
from hub.notices.kinds import NOTICE_KINDS
from hub.notices.messages import NOTICE_MESSAGES, translate_notice
from tests.canary.secret_canaries import CanaryRows
from tests.tenant_isolation.url_walk import addresses, routes
from tests.translations.bracketed_language import bracketed_language, unbracketed, unmarked_texts

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300), pytest.mark.one_database]

NAMES = {*CONNECTORS, *(connector.label for connector in CONNECTORS.values())}
NAMES |= {"Integration Hub", "Acme", "NDJSON", "CSV", "UTC"}
NAMES |= {"Orders", "status", "Paid", "shipped", "JSON"}  # a job, a field and its values
# objects, a field, a route, a mapping
NAMES |= {"Lead", "Opportunity", "person", "persons", "Title", "Orders to leads", "Leads"}
NAMES |= {"undoable", "salesforce 5: Title"}  # a connection, and a field of one
NAMES |= {"Ann", "EUR", "Orders to leads –", "mapping", "integration-hub", "_json"}
NAMES |= {"English", "Deutsch"}  # languages, each by its own name
FORMATS = {"Standard Webhooks", "GitHub", "Shopify", "Slack", "Stripe", "Twilio"}  # of signatures
FORMATS |= {"HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512", "Base64", "RFC 3339"}
DATA = re.compile(  # what somebody named, or another system said
    r"[\w.+-]+@[\w.]+|https://\S+|[\w-]+ "
    r"\d+|account-\d+|(pipedrive\.)?order\.created?\b.*|app|acme|route|user|why|[a-z]+_[a-z_]+"
    r"|(GET|POST|PUT|PATCH)\b.*|(x-|webhook-|content-|authorization\b).*|[\[{].*"
    r"|\"\w+\": .*|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"  # JSON, and ids
    r"|[AK]-\d+|\d\d \w{3} \d\d:\d\d"
    r"|(Python|Node|curl|import|const|KEY|BODY)\b.*|\w{3} \d\d:\d\d|[\d.]+ "
    r"(ms|s|B|kB)|\d+\s+\d{4}, [\d:]+ UTC",
    re.IGNORECASE | re.DOTALL,
)


def list_unmarked_parts(text):
    """What is left of a text beside names and data."""
    rest = [part.strip(" :,") for part in text.split("·")]
    return [part for part in rest if part and part not in NAMES and not DATA.fullmatch(part)]


def test_no_page_of_a_tenant_has_a_text_that_cannot_be_translated(make):
    house = CanaryRows(make)
    house.live()
    client, seen, left = house.browser(Client(), house.owner), 0, {}
    with bracketed_language() as brackets:
        for address in (address for route in routes("t/") for address in addresses(route)):
            answer = client.get(address)
            if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
                seen += 1
                left |= {
                    part: address
                    for text in unmarked_texts(answer.content.decode())
                    for part in list_unmarked_parts(text)
                }
    assert seen > 50
    assert left == {}
    assert find_untranslated(brackets.requested, "de") <= FORMATS | NAMES


def find_untranslated(texts, language):
    """Return the texts that no catalogue of a language has: ours, and those of the libraries."""
    catalogue = translation(language)._catalog
    return {text for text in texts if text and text not in catalogue and (text, 0) not in catalogue}


def is_unbracketed(text):
    return text and not unbracketed(text)


REASONS = {
    **{f"item {code}": reason for code, reason in reason_codes.ITEM_REASONS.items()},
    **reason_codes.REASONS,
    **reason_codes.MAIL_REASONS,
    **reason_codes.EXPIRY_REASONS,
}
TOLD = {
    **state_texts.CONNECTION_STATES,
    **state_texts.DELIVERY_STATES,
    **state_texts.CREDENTIAL_EVENTS,
}


def test_every_word_of_the_product_is_said_in_the_readers_language():
    with bracketed_language():
        for reason in (
            *REASONS.values(),
            *TOLD.values(),
            reason_codes.find_reason("of_theirs", system="Slack"),
        ):
            assert is_unbracketed(reason.sentence) and (
                is_unbracketed(reason.action) or not reason.action
            )
        for kind in NOTICE_KINDS.values():
            assert is_unbracketed(kind.label) and is_unbracketed(kind.todo)
    assert reason_codes.REASONS["paused"].sentence == "The connection is paused."


@pytest.mark.parametrize("message", NOTICE_MESSAGES)
def test_a_notice_is_written_in_the_readers_language(message):
    names = (
        "connection",
        "system",
        "since",
        "answer",
        "disabled_on",
        "account",
        "tenant",
        "name",
        "record",
        "job",
        "time",
        "days",
        "object",
        "field",
        "before",
        "after",
        "uses",
        "person",
        "failed",
        "answered",
        "limit",
    )
    parameters = dict.fromkeys(names, "x") | {"count": 2}
    with bracketed_language():
        assert is_unbracketed(translate_notice(message, parameters, reason="paused"))


def test_every_advice_is_said_in_the_readers_language():
    with bracketed_language():
        for connector in CONNECTORS.values():
            for code in {*PROBLEMS, *connector.errors}:
                advice = explain_problem(code, connector, hub="Hub")
                assert (
                    is_unbracketed(advice.title)
                    and is_unbracketed(advice.cause)
                    and is_unbracketed(advice.responsible_text)
                )
                assert is_unbracketed(advice.text) or not advice.text


def test_what_a_connector_states_for_people_is_marked_where_it_is_stated():
    """A collector of translations reads sources, so a text that is not marked there reaches no
    translator.
    """
    marked = {
        text
        for path in Path("connectors").rglob("*.py")
        for text in list_marked_texts(path.read_text())
    }
    stated = {
        text
        for connector in CONNECTORS.values()
        for text in list_connector_texts(connector)
        if text
    }
    assert stated - marked == set()
    assert len(stated) > 80


def list_marked_texts(source):
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [ast.literal_eval(call.args[0]) for call in calls if getattr(call.func, "id", "") == "_"]


def list_connector_texts(connector):
    yield from (
        connector.summary,
        connector.approval,
        connector.plan,
        *connector.categories,
        *connector.guide,
    )
    yield from (
        text
        for field in (*connector.fields, *connector.app_fields)
        for text in (field.label, field.help)
    )
    yield from (action.label for action in connector.actions)
    yield from (
        text
        for action in connector.actions
        for entry in action.inputs
        for text in (entry.label, entry.help)
    )
    yield from (purpose for action in connector.actions for purpose in action.permissions.values())
    yield from (move.description for move in connector.data_flows)
    yield from (permission.purpose for permission in connector.permissions)
    yield from (
        text for advice in connector.errors.values() for text in (advice.cause, advice.text)
    )


def test_every_state_has_its_word_for_translators():
    assert {state.replace("_", " ") for state in state_texts.STATE_TONES} == set(
        state_texts.STATE_LABELS
    )
