"""Login hosts of customers: what a connector allows as one, and that nothing else becomes part of
an address.
"""

from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from connectors.registry import CONNECTORS
from tests.connectors.every_connector import APP, BACK, VERIFIER
from tests.connectors.hostile_hosts import HOSTILE_HOSTS
from tests.connectors.recorded import credential

SALESFORCE = CONNECTORS["salesforce"]
LOGIN_HOST = SALESFORCE.login_host
WITH_LOGIN_HOST = [connector for connector in CONNECTORS.values() if connector.login_host]
ACME, UAT = "acme.my.salesforce.com", "acme--uat.sandbox.my.salesforce.com"
OWN = [
    ACME,
    "acme-teas-2.my.salesforce.com",
    "1acme.my.salesforce.com",
    UAT,
    "acme-teas--dev1.sandbox.my.salesforce.com",
]


def at(login_host, environment="production"):
    urls = SALESFORCE.urls_at(environment, SALESFORCE.urls, login_host)
    return credential("salesforce", urls=urls, secret={"access_token": "a", "refresh_token": "r"})


def list_called_hosts(known):
    """The hosts of consent, of the code, of a refresh and of a revocation."""
    consent = SALESFORCE.build_authorize_url(
        APP, known, state="s1", redirect_uri=BACK, verifier=VERIFIER
    )
    code = SALESFORCE.exchange_request(APP, known, code="c1", redirect_uri=BACK, verifier=VERIFIER)
    requests = [code, SALESFORCE.refresh_request(APP, known), SALESFORCE.revoke_request(APP, known)]
    return {urlsplit(url).netloc for url in [consent, *(request.url for request in requests)]}


@pytest.mark.parametrize("host", OWN)
def test_a_login_host_is_used_for_all_four_addresses(host):
    assert list_called_hosts(at(host)) == {host}


def test_the_host_tells_the_environment():
    assert [LOGIN_HOST.environment_of(host) for host in OWN] == ["production"] * 3 + ["sandbox"] * 2


@pytest.mark.parametrize("host", HOSTILE_HOSTS)
def test_another_host_is_none_and_is_not_used_where_it_is_stored(host):
    assert LOGIN_HOST.environment_of(host) == ""
    assert list_called_hosts(at(host)) == {"login.salesforce.com"}
    assert list_called_hosts(at(host, "sandbox")) == {"test.salesforce.com"}


def test_without_its_pattern_a_hostile_host_would_be_used():
    """The pattern is what stands between: this test shows that the one before can fail."""
    connector = type("Unchecked", (type(SALESFORCE),), {})()
    connector.login_host = replace(LOGIN_HOST, patterns={"production": r"[\s\S]*"})
    urls = connector.urls_at("production", SALESFORCE.urls, "evil.example")
    assert urls["login"] == "https://evil.example"


@pytest.mark.parametrize("connector", WITH_LOGIN_HOST, ids=lambda connector: connector.key)
def test_what_a_connector_says_of_its_login_hosts_fits_together(connector):
    own = connector.login_host
    assert own.label and own.help and own.environment_of(own.example)
    assert set(own.patterns) <= {entry.key for entry in connector.environments}
    assert all("{login_host}" in connector.urls[stand_in] for stand_in in own.urls.values())
    assert connector.allows_own_login_hosts(connector.urls, ())


def test_login_hosts_outside_our_host_patterns_are_not_offered():
    elsewhere = SALESFORCE.urls | {"domain_login": "https://{login_host}.evil.example"}
    assert not SALESFORCE.allows_own_login_hosts(elsewhere, ())
    assert not SALESFORCE.allows_own_login_hosts(SALESFORCE.urls, ("login.salesforce.com",))
    assert not CONNECTORS["slack"].allows_own_login_hosts(CONNECTORS["slack"].urls, ())


@pytest.mark.parametrize(
    ("settings", "passes"),
    [
        ({"login_host": ACME, "environment": "production"}, True),
        ({"login_host": UAT}, True),
        ({"login_host": ""}, True),
        ({"login_host": ACME, "environment": "sandbox"}, False),
        ({"login_host": "evil.example", "environment": "production"}, False),
    ],
)
def test_settings_with_a_wrong_login_host_are_refused_before_anything_is_sent(settings, passes):
    assert (
        SALESFORCE.find_credential_problem(credential("salesforce", settings=settings)) == ""
    ) is passes
