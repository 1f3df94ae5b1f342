"""What a system did not deliver, whatever broke: each last state and each deletion is one event, or
the gap names what is missing and why.
"""

import math

import pytest

from hub.db.clock import clock
from tests.journeys.gaps.systems import FAST, Pipedrive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
CALLS_MORE = 5  # for each gap, beside its pages


def lose_registration(break_webhook):
    """The webhook is not as it was; the check finds it within the hour."""

    def happen(hub, system):
        break_webhook(system)
        system.act_unheard()
        hub.turn(minutes=10)
        system.request_check()
        hub.work()

    return happen


def be_down_for_six_hours(hub, system):
    hub.web.stop()
    system.act_unheard()
    hub.turn(hours=6)
    hub.web.start()
    hub.work()


def lose_answers(hub, system):
    """Each webhook is processed, none is answered, and each is sent four times."""
    began, count = clock(), len(system.list_attempts())
    hub.web.loses_answers = True
    system.set_pace(FAST)
    system.act_unheard()
    system.wait_for_attempts(count + 9 * 4)
    system.set_pace(1)
    hub.web.loses_answers = False
    hub.work()
    system.read_by_hand(began)


SYSTEMS = {"pipedrive": Pipedrive}
FAULTS = {
    "deletion": lose_registration(lambda system: system.delete_webhook()),
    "disabling": lose_registration(lambda system: system.disable_webhook()),
    "edit": lose_registration(lambda system: system.edit_webhook()),
    "ban": lose_registration(lambda system: system.ban()),
    "outage": be_down_for_six_hours,
    "lost answers": lose_answers,
}
# cause, state and reason of the gap
ROWS = [
    ("pipedrive", "deletion", ("gone", "closed", "")),
    ("pipedrive", "disabling", ("ban", "closed", "")),  # it does not say which of both it is
    ("pipedrive", "edit", ("edited", "closed", "")),
    ("pipedrive", "ban", ("ban", "closed", "")),
    ("pipedrive", "outage", ("outage", "closed", "")),
    ("pipedrive", "lost answers", ("by_hand", "closed", "")),
]


@pytest.mark.parametrize(("key", "fault", "end"), ROWS)
def test_each_last_state_and_deletion_is_one_event_whatever_broke(make, hub, key, fault, end):
    system = SYSTEMS[key](make, hub)
    system.act_before()
    hub.work()
    since = system.desk.ledger()[-1]["seq"]
    FAULTS[fault](hub, system)
    system.act_after()
    (gap,) = hub.read_gaps()
    assert (gap.cause, gap.state, gap.reason) == end
    assert system.list_wrong() == []
    assert system.count_calls(since) <= math.ceil(gap.read_count / system.page_size) + CALLS_MORE
