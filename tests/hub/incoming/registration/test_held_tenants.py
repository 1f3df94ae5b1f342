"""Nothing is registered for a tenant that is suspended, or a connection that is switched off."""

import pytest

from hub.audit import ActorContext
from hub.db.clock import clock
from hub.incoming.models import WebhookSubscription
from hub.incoming.registration.actions import (
    SUSPENDED_TEXT,
    SWITCHED_OFF_TEXT,
    SubscriptionActionRefused,
    check_subscription,
    repair_subscription,
)
from tests.hub.incoming.processing.held_items.test_holding import suspend, switch_connector_off
from tests.hub.incoming.registration.pipedrive_company import check, state_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.corrections(item="2.7")]
SYSTEM = ActorContext.system()
CAUSES = {"suspended": (suspend, SUSPENDED_TEXT), "off": (switch_connector_off, SWITCHED_OFF_TEXT)}
each_cause = pytest.mark.parametrize("cause", CAUSES)


@each_cause
def test_its_webhooks_are_registered_when_the_cause_has_ended(connection, company, cause):
    end = CAUSES[cause][0](connection)
    check(connection, company)
    assert (company.writes, company.webhooks, state_of(connection)) == ([], {}, ("wanted", ""))
    end(now=clock())
    check(connection, company)
    assert state_of(connection) == ("verified", "")


@each_cause
def test_a_check_that_runs_stops_before_its_next_write(connection, company, cause):
    def stop_after_the_listing(request):
        answer = company(request)
        if request.method == "GET":
            CAUSES[cause][0](connection)
        return answer

    check(connection, stop_after_the_listing)
    assert company.writes == []


@each_cause
def test_a_person_reads_why_it_is_neither_checked_nor_repaired(connection, company, cause):
    check(connection, company)
    CAUSES[cause][0](connection)
    subscription = WebhookSubscription.unscoped.get()
    for act in (check_subscription, repair_subscription):
        with pytest.raises(SubscriptionActionRefused, match=str(CAUSES[cause][1])):
            act(subscription, SYSTEM, now=clock())
