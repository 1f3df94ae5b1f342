"""What may have arrived is not sent twice, where that is asked for; what is too late is not sent at
all.
"""

import pytest

from connectors.http import Response
from hub.egress import RequestNotSent, ResponseNotReceived
from hub.outgoing.insight.explain import explain_delivery
from hub.outgoing.models import Delivery
from hub.sweep import run_sweep
from tests.factories import MINUTE, NOON
from tests.fakes import FakeHttp
from tests.hub.outgoing.delivery_states import read_delivery, simulate_pump_crash, state_of
from tests.hub.outgoing.operating import apply_action
from tests.hub.outgoing.pump.test_loop import pump

LATER = NOON + MINUTE


@pytest.fixture
def posting(make):
    """Of an action that cannot be told our id."""
    body = {"channel": "'C1'", "text": "'x'"}
    return make.delivery(make.connection(connector="slack"), never_twice=True, body=body)


@pytest.mark.django_db
class TestNeverTwice:
    def test_what_may_have_arrived_is_held(self, posting):
        pump(FakeHttp(ResponseNotReceived("timed_out", "slack.com")))
        assert state_of(posting) == ("held", "unknown_effect")
        apply_action("retry", read_delivery(posting), now=LATER)
        assert (
            len(pump(FakeHttp(Response(200, b'{"ok": true, "ts": "1"}')), at=LATER).requests) == 1
        )

    def test_what_was_in_flight_when_the_pump_died_is_held(self, posting):
        simulate_pump_crash(posting)
        assert pump(FakeHttp()).requests == []
        assert state_of(posting) == ("held", "unknown_effect")

    def test_what_surely_had_no_effect_goes_again(self, posting):
        pump(FakeHttp(RequestNotSent("dns_failed", "slack.com")))
        assert state_of(posting) == ("waiting", "dns_failed")

    def test_a_system_that_takes_our_id_gets_it_again(self, make):
        delivery = make.delivery(never_twice=True)
        pump(FakeHttp(ResponseNotReceived("timed_out", "example.com")))
        assert state_of(delivery) == ("waiting", "timed_out")

    def test_a_person_is_warned_before_it_is_retried(self, posting, make, client):
        client.force_login(make.staff(is_superuser=True))
        pump(FakeHttp(ResponseNotReceived("timed_out", "slack.com")))
        page = f"/admin/outgoing/delivery/{posting.pk}/"
        warning = "It may have arrived already, and this system cannot recognise a repetition."
        assert warning in client.get(f"{page}verbs/retry/").content.decode()
        assert "required" in client.post(f"{page}verbs/retry/").content.decode()
        assert state_of(posting)[0] == "held"
        client.post(f"{page}verbs/retry/", {"reason": "it is not there"})
        assert state_of(posting)[0] == "waiting"


@pytest.mark.django_db
class TestExpiry:
    def test_it_is_never_sent_late(self, make):
        delivery = make.delivery(expires_after=60)
        assert pump(FakeHttp(), at=NOON + MINUTE).requests == []
        assert state_of(delivery) == ("failed", "expired")
        assert (
            explain_delivery(read_delivery(delivery), now=LATER).first_failed_check.name == "expiry"
        )

    def test_in_time_it_goes(self, make):
        make.delivery(expires_after=61)
        assert len(pump(FakeHttp(), at=NOON + MINUTE).requests) == 1

    def test_what_is_held_expires_too(self, make):
        delivery = make.delivery(expires_after=60)
        Delivery.unscoped.update(state="held", reason="mapping_failed", due_at=None)
        run_sweep(now=NOON)
        assert state_of(delivery)[0] == "held"
        run_sweep(now=LATER)
        assert state_of(delivery) == ("failed", "expired")

    def test_a_person_may_send_it_all_the_same(self, make):
        delivery = make.delivery(expires_after=60)
        run_sweep(now=LATER)
        apply_action("retry", read_delivery(delivery), now=LATER)
        assert len(pump(FakeHttp(), at=LATER).requests) == 1
