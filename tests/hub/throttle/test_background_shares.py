"""Each quota has a share for background work: the connector's, or staff's own."""

import pytest

from connectors.http import Budget, InFlight, Rate
from hub.throttle.background_shares import (
    change_background_share,
    find_background_share,
    find_live_shares,
    load_staff_shares,
)
from hub.throttle.demand import Demand, ScopeCost
from hub.throttle.models import BackgroundShare, QuotaState

pytestmark = pytest.mark.django_db
ACCOUNT = ScopeCost("salesforce|account|00D1|", Budget(100_000))
QUERIES = ScopeCost("salesforce|account|00D1|queries", InFlight(5))
MESSAGES = ScopeCost("slack|method|T1|chat.postMessage", Rate(300, 60))


def quota_row(key):
    connector_key, kind, *_ = key.split("|")
    return QuotaState(key=key, connector_key=connector_key, kind=kind)


def share_of(scope):
    return find_background_share(scope.key, scope.quota, load_staff_shares())


def test_without_a_statement_background_work_may_use_four_fifths():
    assert share_of(ACCOUNT) == 0.8
    assert find_live_shares([Demand((ACCOUNT,), 1, low_priority=True)]) == {ACCOUNT.key: 0.2}


def test_staffs_share_applies_to_every_account_and_to_no_other_quota_of_the_system():
    change_background_share(quota_row(ACCOUNT.key), 30)
    assert share_of(ScopeCost("salesforce|account|00D2|", Budget(100_000))) == 0.3
    assert (share_of(QUERIES), share_of(MESSAGES)) == (0.8, 0.8)


def test_an_empty_share_is_the_connectors_again():
    change_background_share(quota_row(MESSAGES.key), 30)
    change_background_share(quota_row(MESSAGES.key), 40)
    assert (share_of(MESSAGES), BackgroundShare.objects.count()) == (0.4, 1)
    change_background_share(quota_row(MESSAGES.key), None)
    assert share_of(MESSAGES) == 0.8


def test_live_work_costs_no_statement_for_shares(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert find_live_shares([Demand((ACCOUNT,), 1)]) == {}


def test_a_key_that_no_connector_has_gets_the_default():
    assert find_background_share("gone", None, {}) == 0.8
