"""A registration that was gone, or not as it should be, leaves a gap that is read later."""

from datetime import UTC, datetime, timedelta

import pytest

from hub.audit import ActorContext
from hub.incoming.gaps import complete_until
from hub.incoming.gaps.gap_actions import cancel_gap
from hub.incoming.models import InboundGap, InboundSource
from hub.incoming.registration.actions import rotate_subscription
from hub.incoming.registration.outcomes import record_state
from tests.factories import NOON
from tests.hub.incoming.registration.sandbox_account import SandboxAccount
from tests.hub.incoming.registration.test_bans import ban
from tests.hub.incoming.registration.test_expiring import LIFE_SECONDS, scenario
from tests.hub.incoming.registration.test_salesforce_edits import EDITS, Organisation
from tests.sandbox.test_connectors import send

__all__ = ["scenario"]
pytestmark = pytest.mark.django_db(transaction=True)
HOUR = 3600
PIPEDRIVE_OVERLAP = timedelta(seconds=3 + 30 + 150)  # its retries


def now_of(desk):
    return datetime.fromtimestamp(desk.now, UTC)


@pytest.fixture
def account(make, desk, settings):
    settings.HUB_PUBLIC_URL = "http://127.0.0.1:9"  # nobody answers there
    account = SandboxAccount(
        make, desk, "pipedrive", event_type="person.created", now=lambda: now_of(desk)
    )
    for _check in range(2):
        account.check()
        desk.now += HOUR
    return account


def delete(account):
    (webhook,) = account.find_registrations()
    account.desk.post(f"/pipedrive/701/webhooks/{webhook.external_id}", data={"do": "delete"})
    assert account.find_registrations() == []


def point_elsewhere(account):
    (webhook,) = account.find_registrations()
    data = {"do": "save", "subscription_url": "http://127.0.0.1:9/hooks/another"}
    account.desk.post(f"/pipedrive/701/webhooks/{webhook.external_id}", data=data)
    assert account.find_registrations() == []


CAUSES = {"gone": delete, "ban": ban, "edited": point_elsewhere}


@pytest.mark.parametrize("cause", CAUSES)
def test_a_gap_lasts_from_the_last_good_check_until_the_repair(account, cause):
    source = InboundSource.unscoped.get()
    verified_at = account.subscription.verified_at
    assert complete_until(source, []) == verified_at
    CAUSES[cause](account)
    account.check()
    gap = InboundGap.unscoped.get()
    assert (gap.source, gap.cause, gap.state) == (source, cause, "due")
    assert verified_at - gap.from_at == PIPEDRIVE_OVERLAP
    assert gap.to_at == gap.due_at == now_of(account.desk)


@pytest.mark.parametrize("system", ["pipedrive", "salesforce"])
def test_a_gap_lasts_until_the_calls_that_register_again_have_ended(make, desk, system):
    slow = SlowAccount(make, desk, system, now=lambda: now_of(desk))
    slow.register()
    slow.remove()
    slow.register()
    assert InboundGap.unscoped.get().to_at == now_of(desk)


class SlowAccount(SandboxAccount):
    """An account whose system takes three seconds for each call."""

    def __call__(self, request):
        response = super().__call__(request)
        self.desk.now += 3
        return response

    def register(self):
        while self.check().state != "verified":
            pass  # its time slice has ended

    def remove(self):
        """Remove the registration as an administrator does, without the hub."""
        subscriptions, done = self.connection.connector.subscriptions, {}
        (registration,) = self.find_registrations()
        id = registration.external_id
        while step := subscriptions.next_removal(self.credential, id, done):
            done |= {step.name: ""} | dict(subscriptions.parse_step(step.name, send(step.request)))
        self.desk.now += HOUR


def test_a_gap_stays_open_while_the_webhook_cannot_be_registered(account):
    delete(account)
    account.desk.world(pipedrive=[{"company": "701", "scopes": "base,contacts:full"}])
    account.check()
    assert not InboundGap.unscoped.exists()  # it is not known that it is gone
    account.desk.world(pipedrive=[{"company": "701", "scopes": "base,contacts:full,admin"}])
    account.desk.now += HOUR
    account.check()
    assert InboundGap.unscoped.get().state == "due"


def test_a_rotation_of_ours_leaves_no_gap(account):
    rotate_subscription(account.subscription, ActorContext.system(), now=now_of(account.desk))
    assert account.check().state == "verified"
    assert account.list_writes()[-2:] == ["POST", "DELETE"]
    assert not InboundGap.unscoped.exists()


def test_one_that_sent_elsewhere_while_we_rotated_it_leaves_a_gap(account):
    rotate_subscription(account.subscription, ActorContext.system(), now=now_of(account.desk))
    point_elsewhere(account)
    assert account.check().state == "verified"
    gap = InboundGap.unscoped.get()
    assert (gap.cause, gap.state) == ("edited", "due")


def test_one_that_was_never_correct_leaves_no_gap_when_it_is_repaired(make, desk):
    org = Organisation(make, desk)
    desk.world(salesforce=[{"org": org.connection.account, "active_flows": False}])
    for _check in range(2):  # the second finds the message that the first has created
        assert org.check().state == "manual"
        org.wait(60)
    org.edit_message(fields=["Id"])
    desk.world(salesforce=[{"org": org.connection.account, "active_flows": True}])
    org.activate(org.subscription.external_id)
    assert org.check().state == "verified" and org.message["Metadata"]["fields"] != ["Id"]
    assert not InboundGap.unscoped.exists()


def test_an_object_is_not_known_to_arrive_while_one_of_its_registrations_differs(make, desk):
    org = Organisation(make, desk)
    org.connection.tenant.routes.update(event_type="salesforce.lead.*")
    desk.world(salesforce=[{"org": org.connection.account, "active_flows": False}])
    org.check()
    desk.world(salesforce=[{"org": org.connection.account, "active_flows": True}])
    first, second = org.find_registrations()
    for message, is_known in ((first, False), (second, True)):
        org.activate(message.external_id)
        org.wait(900)
        org.check()
        is_complete = complete_until(InboundSource.unscoped.get(), []) is not None
        assert is_complete == is_known


def test_a_first_registration_and_a_renewal_leave_no_gap_and_an_end_does(scenario):
    for _check in range(3):
        scenario.check()
    assert not InboundGap.unscoped.exists()
    verified_at = scenario.subscription.verified_at
    scenario.wait(LIFE_SECONDS + HOUR)
    scenario.check()
    gap = InboundGap.unscoped.get()
    assert (gap.cause, gap.state, gap.source.object) == ("expired", "due", "parcel")
    assert gap.from_at == verified_at - timedelta(minutes=2) and gap.to_at == scenario.at


@pytest.mark.parametrize(
    ("edit", "cause"), [("conditions", "edited"), ("session", "edited"), ("inactive", "disabled")]
)
def test_what_was_edited_at_salesforce_leaves_a_gap_until_both_its_messages_are_good(
    make, desk, edit, cause
):
    org = Organisation(make, desk)
    org.check()
    org.wait(60)
    org.check()
    deactivate = lambda org: org.deactivate()  # noqa: E731
    {**EDITS, "inactive": deactivate}[edit](org)
    org.wait(900)
    org.check()
    gap = InboundGap.unscoped.get()
    assert (gap.cause, gap.state, gap.source.object) == (cause, "due", "lead")


def test_a_gap_that_a_person_cancelled_is_not_opened_again_while_its_webhook_is_left_to_one(
    make, desk
):
    org = Organisation(make, desk)
    for _check in range(2):
        org.check()
    org.deactivate()
    desk.world(salesforce=[{"org": org.connection.account, "active_flows": False}])
    org.wait(900)
    assert org.check().state == "manual"
    cancel_gap(InboundGap.unscoped.get(), ActorContext.system(), now=now_of(desk))
    org.wait(900)
    assert org.check().state == "manual"
    assert InboundGap.unscoped.get().state == "cancelled"


def break_both_registrations(make, desk):
    """Deactivate both messages of leads, of created and of updated ones, which were good."""
    org = Organisation(make, desk)
    org.connection.tenant.routes.update(event_type="salesforce.lead.*")
    for _check in range(2):
        org.check()
        org.wait(60)
    for message in org.find_registrations():
        org.deactivate(message.external_id)
    return org


def test_a_gap_of_an_object_ends_with_the_last_of_its_registrations(make, desk):
    org = break_both_registrations(make, desk)
    desk.world(salesforce=[{"org": org.connection.account, "active_flows": False}])
    org.check()
    assert InboundGap.unscoped.get().state == "open"
    desk.world(salesforce=[{"org": org.connection.account, "active_flows": True}])
    first, second = org.find_registrations()
    org.activate(first.external_id)
    org.wait(900)
    org.check()
    assert InboundGap.unscoped.get().state == "open"
    org.activate(second.external_id)
    org.wait(900)
    org.check()
    assert InboundGap.unscoped.get().state == "due"


def test_two_broken_registrations_of_one_object_are_one_gap(make, desk):
    org = break_both_registrations(make, desk)
    org.wait(900)
    org.check()
    gap = InboundGap.unscoped.get()
    assert (gap.state, gap.cause) == ("due", "disabled")


@pytest.fixture
def person(make):
    """A registration of persons that a check has found as it should be."""
    connection = make.connection(connector="pipedrive", account="701", secret={})
    make.source(connection)
    return make.webhook_subscription(
        connection, key="person", event_types=["person.created"], state="verified", verified_at=NOON
    )


def test_what_a_person_cancelled_is_not_read_after_all_by_the_next_check(person):
    record_state(person, "drifted", None, cause="edited", now=NOON + timedelta(hours=1))
    cancelled_at = NOON + timedelta(hours=2)
    cancel_gap(InboundGap.unscoped.get(), ActorContext.system(), now=cancelled_at)
    record_state(person, "drifted", None, cause="edited", now=NOON + timedelta(hours=3))
    gap = InboundGap.unscoped.get(state="open")
    assert (gap.cause, gap.from_at) == ("edited", cancelled_at)
