"""Tokens of Salesforce, and the organisation that they belong to."""

import pytest

from connectors.http import Response, Unreadable
from tests.connectors.recorded import NOON, credential, recorded
from tests.connectors.salesforce.examples import SALESFORCE, parse_recorded

APP = {"client_id": "3MVG", "client_secret": "s"}


def test_a_refresh_follows_the_organisation_to_its_new_instance_and_nowhere_else():
    assert parse_recorded("token__refreshed").settings == {
        "instance_url": "https://acme2.my.salesforce.com"
    }
    assert parse_recorded("token__instance_elsewhere").settings == {}


def test_a_desk_may_name_its_sandbox_as_the_host():
    desk = credential(
        "salesforce",
        settings={"instance_url": "http://127.0.0.1:9002"},
        hosts=("http://127.0.0.1:9002",),
    )
    assert SALESFORCE.find_credential_problem(desk) == ""
    assert SALESFORCE.find_credential_problem(
        credential("salesforce", settings={"instance_url": "http://127.0.0.1:9002"})
    )


def test_an_answer_without_a_token_is_no_grant():
    answer = Response(200, b'{"id":"https://login.salesforce.com/id/00D000000000001AAA/005"}')
    assert SALESFORCE.parse_refresh(answer, credential("salesforce")).reason == "no_access_token"


def test_refreshes_at_the_token_url():
    request = SALESFORCE.refresh_request(APP, credential("salesforce"))
    assert request.url == "https://login.salesforce.com/services/oauth2/token"
    assert request.form["refresh_token"] == "5Aep861"


def test_an_organisation_that_neither_answer_nor_grant_names_has_no_account():
    unknown = credential("salesforce", account="")
    refused = SALESFORCE.parse_probe(recorded("salesforce", "organization__not_readable"), unknown)
    assert (refused.kind, refused.reason) == ("never", "invalid_type")
    with pytest.raises(Unreadable):
        SALESFORCE.parse_probe(recorded("salesforce", "organization__none"), unknown)


def test_asks_which_organisation_it_is_where_the_permissions_that_we_ask_for_are_enough():
    url = SALESFORCE.probe_request(credential("salesforce"), at=NOON).url
    assert url.endswith("/services/data/v67.0/query?q=SELECT%20Id%2C%20Name%20FROM%20Organization")
    assert not {"id", "openid"} & {permission.key for permission in SALESFORCE.permissions}
