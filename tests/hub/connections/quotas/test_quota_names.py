"""Quotas have names that people know: the system, whose account it is, and what is limited."""

import pytest

from hub.connections.quotas.quota_names import name_connection_quota, name_quotas

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(make):
    return make.tenant("acme", name="Acme Teas")


def test_a_quota_of_an_account_has_the_name_of_the_account(make, acme):
    make.connection(acme, "slack", account="T1", account_name="Acme's workspace")
    key = "slack|method|T1|chat.postMessage"
    assert name_quotas([key]) == {key: "Slack · Acme's workspace · chat.postMessage"}


def test_without_a_name_of_the_account_the_tenants_are_named(make, acme):
    make.connection(acme, "salesforce", account="00D1")
    make.connection(make.tenant(name="Globex"), "salesforce", account="00D1")
    key = "salesforce|account|00D1|"
    assert name_quotas([key]) == {key: "Salesforce · Acme Teas, Globex · account"}


def test_an_account_of_another_system_with_the_same_id_is_not_named(make, acme):
    make.connection(acme, "salesforce", account="X1")
    assert name_quotas(["slack|account|X1|"]) == {"slack|account|X1|": "Slack · X1 · account"}


def test_a_quota_of_a_connection_a_tenant_or_the_hub_itself_is_named(make, acme):
    connection = make.connection(acme, "splunk")
    names = name_quotas(
        [
            f"splunk|connection|#{connection.pk}|",
            f"slack|tenant|{acme.pk}|oauth",
            "|host||a.example",
        ]
    )
    assert list(names.values()) == [
        "Splunk · Acme Teas · connection",
        "Slack · Acme Teas · share of our app oauth",
        "The hub itself · host a.example",
    ]


def test_many_quotas_are_named_in_two_queries(make, acme, django_assert_num_queries):
    keys = [f"slack|tenant|{acme.pk}|oauth"]
    for number in range(12):
        make.connection(acme, "slack", account=f"T{number}", account_name=f"Team {number}")
        keys.append(f"slack|method|T{number}|chat.postMessage")
    with django_assert_num_queries(2):
        assert len(name_quotas(keys)) == 13


def test_what_is_gone_or_odd_keeps_its_id():
    keys = ["slack|method|T9|x", "gone|account|#x|", "|", ""]
    assert [name_quotas([key])[key] for key in keys] == [
        "Slack · T9 · x",
        "gone · #x · account",
        "The hub itself",
        "The hub itself",
    ]


def test_of_a_loaded_connection_no_query_is_needed(make, acme, django_assert_num_queries):
    connection = make.connection(acme, "slack", account="T1", account_name="Acme")
    with django_assert_num_queries(0):
        name = name_connection_quota("slack|channel|T1|C7", connection)
        assert name == "Slack · Acme · channel C7"
        assert name_connection_quota("slack|app||oauth", connection) == "Slack · our app oauth"
