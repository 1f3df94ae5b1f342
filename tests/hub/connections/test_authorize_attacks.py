"""Somebody wants a connection that is not theirs to make: nothing is stored, whatever they try."""

import itertools
import json
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pytest
import requests

from connectors.http import Response
from connectors.oauth import build_code_challenge
from connectors.registry import CONNECTORS
from hub.connections.connecting.oauth.begin import begin_authorization
from hub.connections.connecting.oauth.callback import receive_callback
from hub.connections.connecting.oauth.session import AuthorizationRefused, BrowserIdentity
from hub.connections.models import Authorization, Revocation
from hub.db.clock import clock
from tests.connectors.test_oauth import GRANTED, HOSTILE
from tests.factories import NOON
from tests.fakes import FakeHttp
from tests.hub.connections.browsers import (
    CLIENTS,
    Browser,
    came_back,
    problem,
    query_of,
    stored,
    under_way,
)

pytestmark = pytest.mark.django_db

SLACK, SALESFORCE = CONNECTORS["slack"], CONNECTORS["salesforce"]
BACK = "https://hub.test/connect/{}/callback"


@pytest.fixture(autouse=True)
def nothing_is_stored(db):
    yield
    assert stored() == 0


@pytest.fixture(params=CLIENTS)
def system(request):
    """Each that lets us in by OAuth: security is no choice of a connector's."""
    return request.param


def test_no_system_is_left_out():
    assert set(CLIENTS) == {
        connector.key for connector in CONNECTORS.values() if connector.needs_oauth
    }


def back_with(browser, system, **changes):
    """Comes back from there with something else than it gave; None leaves it out."""
    came = query_of(browser.allow(browser.sent_to(system))) | changes
    said = {key: value for key, value in came.items() if value is not None}
    return browser.client.get(f"/connect/{system}/callback", said, follow=True)


@pytest.mark.parametrize("state", [None, "", "x" * 43, "x" * 1_000_000, "\x00", "ü"], ids=str)
def test_a_state_that_nobody_was_given(browser, state, system):
    page = back_with(browser, system, state=state and state[:100_000])
    assert page.status_code == 400 and problem(page) in (
        "state_missing",
        "state_unknown",
        "begun_at_marketplace",
    )


def test_two_states_are_none(browser, system):
    came = query_of(browser.allow(browser.sent_to(system)))
    page = browser.client.get(
        f"/connect/{system}/callback",
        {"state": [came["state"], "x"], "code": came["code"]},
        follow=True,
    )
    assert problem(page) == "state_missing"


def test_a_state_that_was_used(browser, system):
    back = browser.allow(browser.sent_to(system))
    browser.comes_back(back)
    page = browser.comes_back(back)
    assert problem(page) == "reused"


def test_a_state_that_is_ten_minutes_and_a_second_old(browser, system):
    back = browser.allow(browser.sent_to(system))
    Authorization.unscoped.update(expires_at=clock() - timedelta(seconds=1))
    assert problem(browser.comes_back(back)) == "late"
    assert under_way().reason == "late"


def test_a_confirmation_that_comes_late(browser):
    page = browser.connects("salesforce")
    Authorization.unscoped.update(expires_at=clock() - timedelta(seconds=1))
    assert problem(browser.says(page)) == "late"
    assert Revocation.unscoped.count() == 1


def test_the_address_of_consent_opened_in_another_browser(browser, another, make, system):
    """A victim finishes what an attacker began: their account must not land at the attacker's
    tenant.
    """
    victim = another(make.tenant("victim"))
    page = victim.comes_back(victim.allow(browser.sent_to(system)))
    assert problem(page) == "other_browser" and page.context["problem"].text


def test_the_same_person_in_another_browser(browser, acme, system):
    elsewhere = Browser(browser.user, acme)
    elsewhere.sent_to(system)
    page = elsewhere.comes_back(browser.allow(browser.sent_to(system)))
    assert problem(page) == "other_browser"


def test_another_person_in_the_same_browser(browser, another, acme, system):
    back = browser.allow(browser.sent_to(system))
    kept = browser.client.session["connecting"]
    browser.client.force_login(another(acme).user)
    session = browser.client.session
    session["connecting"] = kept
    session.save()
    assert problem(browser.comes_back(back)) == "other_user"


def test_nobody_in_the_browser_at_all(browser, system):
    back = browser.allow(browser.sent_to(system))
    browser.client.logout()
    assert problem(browser.comes_back(back)) == "other_browser"


def test_somebody_who_has_lost_the_right_meanwhile(browser, system):
    page = browser.connects(system)
    browser.user.memberships.update(role="member")
    assert browser.says(page).status_code == 403
    browser.user.memberships.all().delete()
    assert browser.says(page).status_code == 404


def test_a_tenant_that_the_person_belongs_to_beside_is_not_the_one(browser, make, system):
    """The tenant is that of the beginning, whatever else is open in the browser."""
    make.membership(make.tenant("beside"), browser.user, role="owner")
    page = browser.connects(system)
    assert page.context["row"].tenant.reference == "acme"


@pytest.mark.parametrize(("given_by", "brought_to"), list(itertools.permutations(CLIENTS, 2)))
def test_a_code_of_one_system_at_the_address_of_another(browser, given_by, brought_to):
    came = query_of(browser.allow(browser.sent_to(given_by)))
    page = browser.client.get(f"/connect/{brought_to}/callback", came, follow=True)
    assert problem(page) == "other_connector"
    assert (
        problem(browser.client.get(f"/connect/{given_by}/callback", came, follow=True)) == "reused"
    )


@pytest.mark.parametrize(
    "iss", ["https://evil.example", "https://slack.com.evil.example", "", "javascript:alert(1)"]
)
def test_an_issuer_that_is_not_the_system(browser, iss, system):
    assert problem(back_with(browser, system, iss=iss)) == "other_issuer"


def test_an_issuer_that_is_the_system(browser, outside):
    page = back_with(browser, "slack", iss=outside.url)
    assert page.context["row"].state == "granted"


def test_a_code_of_somebody_else_for_the_same_system(browser):
    """Injection: the code of one attempt with the state of another is refused by the system, for
    its verifier.
    """
    other = query_of(browser.allow(browser.sent_to("salesforce")))
    mine = query_of(browser.allow(browser.sent_to("salesforce")))
    page = browser.client.get(
        "/connect/salesforce/callback", mine | {"code": other["code"]}, follow=True
    )
    assert problem(page) == "request_refused"


def without(consent, *names):
    """The address of consent without these parameters."""
    parts = urlsplit(consent)
    left = [(name, value) for name, value in parse_qsl(parts.query) if name not in names]
    return urlunsplit(parts._replace(query=urlencode(left)))


CHALLENGE = ("code_challenge", "code_challenge_method")


def test_a_downgrade_without_a_challenge_gives_no_code(browser):
    """Our guide has staff require PKCE at Salesforce: who takes the challenge out of the address
    gets nothing.
    """
    came = came_back(
        without(browser.sent_to("salesforce"), *CHALLENGE), account="00D000000000001EAA"
    )
    assert "code" not in query_of(came)
    assert problem(browser.comes_back(came)) == "request_refused"


def test_a_downgrade_to_plain_gives_no_code(browser):
    consent = browser.sent_to("salesforce").replace(
        "code_challenge_method=S256", "code_challenge_method=plain"
    )
    answer = requests.post(
        consent, data={"account": "00D000000000001EAA"}, allow_redirects=False, timeout=10
    )
    assert "code" not in query_of(answer.headers.get("Location", ""))


def exchanged_by(make, connector, **changes):
    """What the token endpoint is asked with, and the challenge that consent was asked with."""
    make.app(connector.key, {"client_id": "id", "client_secret": "a client secret"})
    who, given, http = (
        BrowserIdentity("a browser"),
        iter([b"s" * 32, b"v" * 48]),
        FakeHttp(granted(connector)),
    )
    addresses = {"redirect_uri": BACK.format(connector.key), "return_to": "/"}
    row, url = begin_authorization(
        make.tenant(), connector, who, random=lambda count: next(given), now=NOON, **addresses
    )
    Authorization.unscoped.filter(pk=row.pk).update(**changes)
    said = {
        "state": [query_of(url)["state"]],
        "code": ["a code"],
        "code_verifier": ["of an attacker"],
    }
    way = {"redirect_uri": addresses["redirect_uri"], "call": http.call, "now": NOON}
    row = receive_callback(said, connector=connector, identity=who, **way)
    return row, [request.form for request in http.requests], query_of(url).get("code_challenge")


def test_the_verifier_of_the_challenge_goes_with_every_code(make):
    _, (form,), asked = exchanged_by(make, SALESFORCE)
    assert build_code_challenge(form["code_verifier"]) == asked


def test_a_code_without_our_verifier_is_not_exchanged_where_there_is_pkce(make):
    row, forms, _ = exchanged_by(make, SALESFORCE, sealed=None)
    assert (forms, row.state, row.reason) == ([], "failed", "request_refused")


@pytest.mark.parametrize("system", ["slack", "pipedrive"])
def test_where_there_is_no_pkce_a_stolen_code_is_worth_something_once_only(
    browser, another, make, system
):
    """SECURITY.md names this risk: whoever has the code of another person may connect that account
    to their tenant.

    What limits it: the code must not have been used, and whose account it is stands in what the
    attempt keeps.
    """
    stolen = query_of(browser.allow(browser.sent_to(system)))["code"]
    attacker = another(make.tenant("attacker"))
    own = query_of(attacker.allow(attacker.sent_to(system)))
    page = attacker.client.get(f"/connect/{system}/callback", own | {"code": stolen}, follow=True)
    assert page.context["row"].account and page.context["row"].tenant.reference == "attacker"
    victim = query_of(browser.allow(browser.sent_to(system))) | {"code": stolen}
    assert (
        problem(browser.client.get(f"/connect/{system}/callback", victim, follow=True))
        == "code_refused"
    )


def test_a_code_is_at_no_address_that_a_browser_or_another_page_keeps(browser, system, caplog):
    """What limits theft: it is used at once, and the browser is sent on without a referrer."""
    back = browser.allow(browser.sent_to(system))
    answer = browser.client.get(back)
    code = query_of(back)["code"]
    assert answer.status_code == 302 and code not in answer["Location"]
    assert answer["Referrer-Policy"] == "no-referrer" and "no-store" in answer["Cache-Control"]
    assert code not in caplog.text


@pytest.mark.parametrize(
    "code", [None, "", "x" * 5000, "never given"], ids=["none", "empty", "long", "invented"]
)
def test_a_code_that_is_none(browser, code, system):
    assert problem(back_with(browser, system, code=code)) in ("strange_answer", "code_refused")


def test_an_error_is_shown_as_text_only(browser):
    page = back_with(
        browser,
        "slack",
        code=None,
        error="access_denied",
        error_description="<script>alert(1)</script>\x00",
    )
    assert problem(page) == "not_let_in" and b"<script>" not in page.content


def test_a_confirm_page_is_nobody_elses(browser, another, acme, client, system):
    address = browser.connects(system).request["PATH_INFO"]
    for stranger in (another(acme, "owner").client, client):
        assert stranger.get(address).status_code == 404
        assert stranger.post(address, {"do": "confirm"}).status_code == 404


def test_a_confirmation_without_a_csrf_token(browser, system):
    page = browser.connects(system)
    browser.client.handler.enforce_csrf_checks = True
    assert browser.says(page).status_code == 403
    assert browser.begin(system).status_code == 403


def test_nothing_is_begun_or_confirmed_by_a_link(browser, system):
    page = browser.connects(system)
    assert browser.client.get(f"/t/acme/connect/{system}/authorize").status_code == 405
    browser.client.get(page.request["PATH_INFO"], {"do": "confirm"})


def test_the_address_of_the_way_back_is_the_settings_not_the_requests(browser):
    said = {"HTTP_HOST": "testserver", "HTTP_X_FORWARDED_HOST": "evil.example"}
    page = browser.client.post("/t/acme/connect/slack/authorize", **said)
    assert (
        query_of(page.context["url"])["redirect_uri"] == "https://hub.test/connect/slack/callback"
    )
    assert (
        browser.client.post("/t/acme/connect/slack/authorize", HTTP_HOST="evil.example").status_code
        == 400
    )


def test_a_way_back_that_has_changed_meanwhile(browser, settings, system):
    back = browser.allow(browser.sent_to(system))
    settings.HUB_PUBLIC_URL = "https://new.hub.test"
    assert problem(browser.comes_back(back)) == "moved"


ELSEWHERE = [
    "//evil",
    "/\\evil",
    "https:evil",
    "https://evil.example",
    "javascript:alert(1)",
    "/%0d%0aSet-Cookie:a=b\r\nx",
    "http://hub.test@evil",
    "///evil",
    " /t",
    "/" * 600,
]


@pytest.mark.parametrize("next", ELSEWHERE)
def test_an_open_redirect_afterwards(browser, next):
    browser.sent_to("slack", next=next)
    assert under_way().return_to == "/t/acme/"


def test_two_ways_back_are_none(browser):
    browser.client.post("/t/acme/connect/slack/authorize", {"next": ["/t/acme/events/", "//evil"]})
    assert under_way().return_to == "/t/acme/"


def test_a_way_back_of_our_own(browser):
    browser.sent_to("slack", next="/t/acme/catalogue/")
    assert under_way().return_to == "/t/acme/catalogue/"


# --- hostile answers, without a network ---


def comes_back(make, connector, *answers):
    make.app(connector.key, {"client_id": "id", "client_secret": "a client secret"})
    who, given = BrowserIdentity("a browser"), iter([b"s" * 32, b"v" * 48])
    addresses = {"redirect_uri": BACK.format(connector.key), "return_to": "/"}
    _, url = begin_authorization(
        make.tenant(), connector, who, random=lambda count: next(given), now=NOON, **addresses
    )
    said = {"state": [query_of(url)["state"]], "code": ["a code"]}
    way = {"redirect_uri": addresses["redirect_uri"], "call": FakeHttp(answers).call}
    return receive_callback(said, connector=connector, identity=who, now=NOON, **way)


def granted(connector, **changes):
    return Response(200, json.dumps(GRANTED[connector.key] | changes).encode())


COMPANY = Response(
    200, b'{"success":true,"data":{"id":1,"name":"Ann","company_id":701,"company_name":"Acme"}}'
)


@pytest.mark.parametrize("changes", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_answer_is_a_named_end(make, system, changes):
    row = comes_back(make, CONNECTORS[system], granted(CONNECTORS[system], **changes), COMPANY)
    assert row.state == "granted" or row.reason in ("strange_answer", "host_refused")
    assert "\x00" not in row.account + row.detail


STRANGE = {
    "a page": Response(200, b"<html>Welcome</html>"),
    "nothing": Response(200),
    "too long": Response(
        200, json.dumps(GRANTED["salesforce"] | {"x": "x" * 70_000}).encode(), is_cut=True
    ),
    "a redirect": Response(302, headers={"location": "http://169.254.169.254/"}),
}


@pytest.mark.parametrize("answer", STRANGE.values(), ids=STRANGE)
def test_a_strange_answer_is_a_named_end(make, answer):
    row = comes_back(make, SALESFORCE, answer)
    assert row.state == "failed" and row.reason in ("strange_answer", "refused", "unavailable")


@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254",
        "https://evil.example",
        "https://acme.my.salesforce.com.evil.example",
    ],
)
def test_an_instance_elsewhere_is_never_called(make, url):
    row = comes_back(make, SALESFORCE, granted(SALESFORCE, instance_url=url))
    assert (row.state, row.reason) == ("failed", "host_refused")


def test_a_receive_that_two_do_at_once_exchanges_once(make):
    row = comes_back(make, SLACK, granted(SLACK))
    assert row.state == "granted"
    with pytest.raises(AuthorizationRefused, match="reused"):
        said = {"state": ["c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M"], "code": ["a code"]}
        receive_callback(
            said,
            connector=SLACK,
            identity=BrowserIdentity("a browser"),
            redirect_uri=BACK.format("slack"),
            call=FakeHttp([]).call,
            now=NOON,
        )
