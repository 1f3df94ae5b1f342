"""What is stored of a check, and who is notified when it fails."""

from datetime import timedelta

import pytest

from connectors.outcomes import PERMISSION_MISSING, Outcome, throttled
from connectors.webhook_sources import FoundSubscription
from hub.incoming.registration.outcomes import NOTICE_KIND, record_failure, record_state
from hub.notices.messages import translate_notice
from hub.notices.models import Notice
from tests.factories import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def subscription(make):
    connection = make.connection(connector="pipedrive", secret={}, name="Acme's Pipedrive")
    return make.webhook_subscription(connection)


def test_the_third_failure_in_a_row_is_notified_once_a_day(subscription):
    for number in range(5):
        record_failure(subscription, Outcome("later", "unavailable"), now=NOON)
        assert Notice.unscoped.filter(kind=NOTICE_KIND).count() == (number >= 2)
    record_failure(subscription, Outcome("later", "unavailable"), now=NOON + timedelta(days=1))
    assert Notice.unscoped.filter(kind=NOTICE_KIND).count() == 2


def test_a_missing_permission_is_notified_at_once_with_the_remedy(subscription):
    record_failure(subscription, Outcome("never", PERMISSION_MISSING), now=NOON)
    notice = Notice.unscoped.get(kind=NOTICE_KIND)
    text = translate_notice(notice.message, notice.parameters, reason=notice.reason)
    assert "“Acme's Pipedrive”" in text and "not granted a permission" in text


def test_the_notice_is_resolved_when_the_webhook_is_registered(subscription):
    record_failure(subscription, Outcome("never", PERMISSION_MISSING), now=NOON)
    record_state(subscription, "verified", None, now=NOON)
    assert Notice.unscoped.get(kind=NOTICE_KIND).resolved_at == NOON


def test_the_notice_stays_while_another_registration_of_the_connection_fails(make, subscription):
    other = make.webhook_subscription(subscription.endpoint.connection, key="person")
    for each in (subscription, other):
        record_failure(each, Outcome("never", PERMISSION_MISSING), now=NOON)
    record_state(subscription, "verified", None, now=NOON)
    assert Notice.unscoped.get(kind=NOTICE_KIND).resolved_at is None
    record_state(other, "verified", None, now=NOON)
    assert Notice.unscoped.get(kind=NOTICE_KIND).resolved_at == NOON


def test_a_spent_quota_is_no_failure_of_a_registration(subscription):
    for _check in range(5):
        record_failure(subscription, throttled("request over limit"), now=NOON)
    subscription.refresh_from_db()
    assert (subscription.failure_count, subscription.reason) == (0, "throttled")
    assert not Notice.unscoped.exists()


def test_a_report_with_characters_that_no_database_stores_is_stored_without_them(subscription):
    evidence = {"is_active": True, "remove_reason": "a\0b\ud800", "last_http_status": None}
    found_subscription = FoundSubscription("12\0", "https://hub.test/hooks/", evidence=evidence)
    record_state(subscription, "verified", found_subscription, now=NOON)
    subscription.refresh_from_db()
    assert subscription.evidence == evidence | {"remove_reason": "a b "}
    assert subscription.external_id == "12 "
