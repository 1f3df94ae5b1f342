"""When registrations are checked next, so that none expires."""

from datetime import timedelta

from connectors.registry import CONNECTORS
from hub.incoming.models import WebhookSubscription
from hub.incoming.registration.scheduling.intervals import RETRY_AFTER, find_renewal_wait
from tests.factories import MINUTE, NOON

SUBSCRIPTIONS = CONNECTORS["pipedrive"].subscriptions


def wait_of(*ends, is_wanted=True):
    rows = [WebhookSubscription(expires_at=end, is_wanted=is_wanted) for end in ends]
    return find_renewal_wait(SUBSCRIPTIONS, rows, now=NOON)


def test_the_next_check_is_before_the_first_end_however_it_is_spread():
    wait = wait_of(NOON + 11 * MINUTE, None, NOON + 60 * MINUTE)
    assert abs(wait - 10 * MINUTE) < timedelta(milliseconds=1)


def test_an_end_that_is_over_does_not_have_the_check_repeated_at_once():
    assert wait_of(NOON - MINUTE) == RETRY_AFTER


def test_what_never_ends_or_is_not_wanted_asks_for_no_check():
    assert wait_of(None) == timedelta.max == wait_of(NOON, is_wanted=False)
