"""A code that somebody else was given, or that was asked for with less, connects nothing."""

import itertools
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pytest
import requests

from connectors.oauth import build_code_challenge
from hub.connections.connecting.oauth.begin import begin_authorization
from hub.connections.connecting.oauth.callback import receive_callback
from hub.connections.connecting.oauth.session import BrowserIdentity
from hub.connections.models import Authorization
from tests.factories import NOON
from tests.fakes import FakeHttp
from tests.hub.connections.authorize_attacks.attempts import (
    BACK,
    SALESFORCE,
    build_grant_response,
    call_back_with,
)
from tests.hub.connections.browsers import CLIENTS, get_problem_code, query_of, submit_consent

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("given_by", "brought_to"), list(itertools.permutations(CLIENTS, 2)))
def test_a_code_of_one_system_at_the_address_of_another(browser, given_by, brought_to):
    came = query_of(browser.allow(browser.get_consent_url(given_by)))
    page = browser.client.get(f"/connect/{brought_to}/callback", came, follow=True)
    assert get_problem_code(page) == "other_connector"
    assert (
        get_problem_code(browser.client.get(f"/connect/{given_by}/callback", came, follow=True))
        == "reused"
    )


@pytest.mark.parametrize(
    "iss", ["https://evil.example", "https://slack.com.evil.example", "", "javascript:alert(1)"]
)
def test_an_issuer_that_is_not_the_system(browser, iss, system):
    assert get_problem_code(call_back_with(browser, system, iss=iss)) == "other_issuer"


def test_an_issuer_that_is_the_system(browser, outside):
    page = call_back_with(browser, "slack", iss=outside.url)
    assert page.context["row"].state == "granted"


@pytest.mark.corrections(item="4.11")
def test_a_code_of_another_person_for_the_same_system(browser, outside):
    """Injection: the code of one attempt with the state of another is refused by the system, for
    its verifier.
    """
    other = query_of(browser.allow(browser.get_consent_url("salesforce")))
    query = query_of(browser.allow(browser.get_consent_url("salesforce")))
    page = browser.client.get(
        "/connect/salesforce/callback", query | {"code": other["code"]}, follow=True
    )
    assert get_problem_code(page) == "request_refused"
    assert "invalid code verifier" in Authorization.unscoped.get(state="failed").detail
    (entry,) = [entry for entry in outside.ledger() if entry["path"].endswith("/oauth2/token")]
    assert entry["status"] == 400


def remove_parameters(consent, *names):
    """The address of consent without these parameters."""
    parts = urlsplit(consent)
    left = [(name, value) for name, value in parse_qsl(parts.query) if name not in names]
    return urlunsplit(parts._replace(query=urlencode(left)))


CHALLENGE = ("code_challenge", "code_challenge_method")


@pytest.mark.corrections(item="4.11")
def test_a_downgrade_without_a_challenge_gives_no_code(browser):
    """Our guide has staff require PKCE at Salesforce: who takes the challenge out of the address
    gets nothing.
    """
    came = submit_consent(
        remove_parameters(browser.get_consent_url("salesforce"), *CHALLENGE),
        account="00D000000000001EAA",
    )
    answer = query_of(came)
    assert (answer["error"], answer["error_description"], "code" in answer) == (
        "invalid_request",
        "missing required code challenge",
        False,
    )
    assert get_problem_code(browser.follow_callback(came)) == "request_refused"


@pytest.mark.corrections(item="4.11")
def test_a_downgrade_to_plain_gives_no_code(browser):
    consent = browser.get_consent_url("salesforce").replace(
        "code_challenge_method=S256", "code_challenge_method=plain"
    )
    answer = requests.post(
        consent, data={"account": "00D000000000001EAA"}, allow_redirects=False, timeout=10
    )
    assert answer.status_code == 400 and "Location" not in answer.headers
    assert "only S256 is taken as code_challenge_method" in answer.text


def exchange_code(make, connector, **changes):
    """What the token endpoint is asked with, and the challenge that consent was asked with."""
    make.app(connector.key, {"client_id": "id", "client_secret": "a client secret"})
    who, given, http = (
        BrowserIdentity("a browser"),
        iter([b"s" * 32, b"v" * 48]),
        FakeHttp(build_grant_response(connector)),
    )
    addresses = {"redirect_uri": BACK.format(connector.key), "return_to": "/"}
    row, url = begin_authorization(
        make.tenant(), connector, who, random=lambda count: next(given), now=NOON, **addresses
    )
    Authorization.unscoped.filter(pk=row.pk).update(**changes)
    data = {
        "state": [query_of(url)["state"]],
        "code": ["a code"],
        "code_verifier": ["of an attacker"],
    }
    way = {"redirect_uri": addresses["redirect_uri"], "call": http.call, "now": NOON}
    row = receive_callback(data, connector=connector, identity=who, **way)
    return row, [request.form for request in http.requests], query_of(url).get("code_challenge")


def test_the_verifier_of_the_challenge_goes_with_every_code(make):
    _, (form,), asked = exchange_code(make, SALESFORCE)
    assert build_code_challenge(form["code_verifier"]) == asked


def test_a_code_without_our_verifier_is_not_exchanged_where_there_is_pkce(make):
    row, forms, _ = exchange_code(make, SALESFORCE, sealed=None)
    assert (forms, row.state, row.reason) == ([], "failed", "request_refused")


@pytest.mark.parametrize("system", ["slack", "pipedrive"])
def test_where_there_is_no_pkce_a_stolen_code_is_worth_something_once_only(
    browser, open_browser, make, system
):
    """SECURITY.md names this risk: whoever has the code of another person may connect that account
    to their tenant.

    What limits it: the code must not have been used, and whose account it is stands in what the
    attempt keeps.
    """
    stolen = query_of(browser.allow(browser.get_consent_url(system)))["code"]
    attacker = open_browser(make.tenant("attacker"))
    query = query_of(attacker.allow(attacker.get_consent_url(system)))
    page = attacker.client.get(f"/connect/{system}/callback", query | {"code": stolen}, follow=True)
    assert page.context["row"].account and page.context["row"].tenant.reference == "attacker"
    victim = query_of(browser.allow(browser.get_consent_url(system))) | {"code": stolen}
    assert (
        get_problem_code(browser.client.get(f"/connect/{system}/callback", victim, follow=True))
        == "code_refused"
    )


def test_a_code_is_at_no_address_that_a_browser_or_another_page_keeps(browser, system, caplog):
    """What limits theft: it is used at once, and the browser is sent on without a referrer."""
    back = browser.allow(browser.get_consent_url(system))
    answer = browser.client.get(back)
    code = query_of(back)["code"]
    assert answer.status_code == 302 and code not in answer["Location"]
    assert answer["Referrer-Policy"] == "no-referrer" and "no-store" in answer["Cache-Control"]
    assert code not in caplog.text


@pytest.mark.parametrize(
    "code", [None, "", "x" * 5000, "never given"], ids=["none", "empty", "long", "invented"]
)
def test_a_code_that_is_none(browser, code, system):
    assert get_problem_code(call_back_with(browser, system, code=code)) in (
        "strange_answer",
        "code_refused",
    )


def test_an_error_is_shown_as_text_only(browser):
    page = call_back_with(
        browser,
        "slack",
        code=None,
        error="access_denied",
        error_description="<script>alert(1)</script>\x00",
    )
    assert get_problem_code(page) == "not_let_in" and b"<script>" not in page.content
