"""What a system did not deliver, whatever broke: each last state and each deletion is one event, or
the gap names what is missing and why.
"""

import math

import pytest

from hub.db.clock import clock
from tests.journeys.gaps.senders import SignedSender, Slack, Splunk, UnmanagedSplunk
from tests.journeys.gaps.systems import FAST, NOWHERE, Pipedrive, Salesforce

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
CALLS_MORE = 5  # for each gap and collection, beside its pages


def lose_registration(break_webhook):
    """The webhook is not as it was; the check finds it within the hour."""

    def happen(hub, system):
        break_webhook(system)
        system.act_unheard()
        hub.turn(minutes=10)
        system.request_check()
        hub.work()

    return happen


def point_elsewhere(url):
    """Nothing arrives any more, which is noticed by the silence; a person repairs it."""

    def happen(hub, system):
        system.point_to(url)
        system.act_unheard()
        hub.turn(hours=12)
        hub.work()

    return happen


def be_disabled_by_the_system(hub, system):
    """The system sends nothing more after too many failures; a person enables it again."""
    system.disable_webhook()
    system.act_unheard()
    hub.turn(hours=12)
    hub.work()


def be_down_for_six_hours(hub, system):
    """What the system sends again afterwards is late: the read has begun."""
    count, accepted = len(system.list_attempts()), system.count_accepted()
    hub.web.stop()
    system.act_unheard()
    system.wait_for_attempts(count + system.unheard_messages)
    hub.turn(hours=6)
    hub.web.start()
    hub.work()
    system.set_pace(FAST)
    system.wait_for_accepted(accepted + system.unheard_messages * system.sends_again)
    system.set_pace(1)


def lose_answers(hub, system):
    """Each webhook is processed, and sent again, as none is answered."""
    began, count = clock(), len(system.list_attempts())
    hub.web.loses_answers = system.waits_for_webhooks = True
    system.act_unheard()
    system.wait_for_attempts(count + system.unheard_messages)
    hub.web.loses_answers = False
    system.set_pace(FAST)
    system.wait_for_attempts(count + system.unheard_messages * (1 + system.sends_again))
    system.set_pace(1)
    hub.work()
    system.read_by_hand(began)


SYSTEMS = {
    "pipedrive": Pipedrive,
    "salesforce": Salesforce,
    "signed webhook": SignedSender,
    "slack": Slack,
    "splunk": Splunk,
    "splunk without management": UnmanagedSplunk,
}
FAULTS = {
    "deletion": lose_registration(lambda system: system.delete_webhook()),
    "disabling": lose_registration(lambda system: system.disable_webhook()),
    "edit": lose_registration(lambda system: system.edit_webhook()),
    "ban": lose_registration(lambda system: system.ban()),
    "URL removed": point_elsewhere(""),
    "URL changed": point_elsewhere(NOWHERE),
    "disabling by failures": be_disabled_by_the_system,
    "outage": be_down_for_six_hours,
    "lost answers": lose_answers,
}
# by system and fault: cause, state and reason of its gaps, one for each registration
ROWS = {
    ("pipedrive", "deletion"): [("gone", "closed", "")],
    ("pipedrive", "disabling"): [("ban", "closed", "")],  # it does not say which of both it is
    ("pipedrive", "edit"): [("edited", "closed", "")],
    ("pipedrive", "ban"): [("ban", "closed", "")],
    ("pipedrive", "outage"): [("outage", "closed", "")],
    ("pipedrive", "lost answers"): [("by_hand", "closed", "")],
    ("salesforce", "deletion"): [("gone", "closed", "")],
    ("salesforce", "disabling"): [("disabled", "closed", "")],
    ("salesforce", "edit"): [("edited", "closed", "")],
    ("salesforce", "outage"): [("outage", "closed", "")],
    ("salesforce", "lost answers"): [("by_hand", "closed", "")],
    ("signed webhook", "URL removed"): [("silence", "incomplete", "no_feed")],
    ("signed webhook", "URL changed"): [("silence", "incomplete", "no_feed")],
    ("signed webhook", "outage"): [],  # it sends again for three days
    ("signed webhook", "lost answers"): [],
    ("slack", "URL removed"): [("silence", "closed", "")],
    ("slack", "URL changed"): [("silence", "closed", "")],
    ("slack", "disabling by failures"): [("silence", "closed", "")],
    ("slack", "outage"): [("outage", "closed", "")],
    ("slack", "lost answers"): [("by_hand", "closed", "")],
    ("splunk", "URL changed"): [("silence", "closed", "")],
    ("splunk", "outage"): [("outage", "closed", "")],
    ("splunk", "lost answers"): [("by_hand", "closed", "")],
    ("splunk without management", "URL changed"): [("silence", "incomplete", "no_feed")],
    ("splunk without management", "outage"): [("outage", "incomplete", "no_feed")],
}


@pytest.mark.parametrize(("key", "fault"), ROWS)
def test_each_last_state_and_deletion_is_one_event_or_named_as_missing(make, hub, key, fault):
    system = SYSTEMS[key](make, hub)
    system.act_before()
    hub.work()
    since = system.read_ledger_position()
    FAULTS[fault](hub, system)
    system.act_after()
    gaps = hub.read_gaps()
    assert {(gap.cause, gap.state, gap.reason) for gap in gaps} == set(ROWS[key, fault])
    assert system.list_wrong() == []
    pages = sum(math.ceil(gap.read_count / system.page_size) for gap in gaps)
    assert system.count_calls(since) <= pages + CALLS_MORE * len(gaps) * system.collection_count
