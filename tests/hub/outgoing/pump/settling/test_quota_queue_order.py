"""What waits for one quota is first in, first out, whatever happens meanwhile."""

from datetime import timedelta

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from hub.outgoing.models import Delivery
from hub.processes.db_thread import run_with_loop
from hub.throttle.models import QuotaState
from tests.factories import MINUTE
from tests.hub.outgoing.pump.builders import build_claimer
from tests.hub.outgoing.pump.settling.workspace import Workspace

SECOND = timedelta(seconds=1)
UNTIL_OPEN = timedelta(seconds=1.2)  # after which a channel of one message a second is open again

CHANNELS = st.sampled_from(["C1", "C2", "C3"])
PUBLISH = st.tuples(
    st.just("publish"), CHANNELS, st.integers(1, 4), st.sampled_from(["post", "post", "update"])
)
PUMP = st.tuples(
    st.just("pump"), st.sampled_from([timedelta(0), SECOND / 3, UNTIL_OPEN, 3 * SECOND])
)
PAUSE = st.tuples(
    st.just("pause"), st.sampled_from(["chat.postMessage", "chat.update"]), st.integers(1, 5)
)
DIE = st.tuples(st.just("die"))
STEPS = st.lists(st.one_of(PUBLISH, PUMP, PUBLISH, PUMP, PAUSE, DIE), min_size=4, max_size=16)


class Steps(Workspace):
    def pause(self, method, seconds):
        key = f"slack|method|T1|{method}"
        QuotaState.objects.get_or_create(
            key=key, defaults={"connector_key": "slack", "kind": "method"}
        )
        until = self.now + seconds * SECOND
        QuotaState.objects.filter(key=key).update(
            paused_at=self.now, paused_until=until, is_probing=True
        )

    def die(self):
        """A pump that has just claimed something, and ends there; what dies twice with it would be
        a suspect.
        """
        if not Delivery.unscoped.filter(crash_count__gt=0).exists():
            run_with_loop(build_claimer(lambda: self.now).claim_and_prepare)
            self.now += MINUTE
            self.pump()

    def pump_until_all_is_delivered(self):
        """And once more, when nothing may arrive again."""
        for _ in range(80):
            self.pump(6 * SECOND)
            if not Delivery.unscoped.exclude(state="delivered").exists():
                break
        self.pump(6 * SECOND)


class TestFirstInFirstOut(TestCase):
    @given(STEPS)
    @settings(max_examples=15, deadline=None, phases=(Phase.explicit, Phase.generate))
    def test_each_scope_is_served_in_the_order_of_acceptance_and_nothing_is_lost(self, steps):
        workspace = Steps()
        for verb, *arguments in steps:
            getattr(workspace, verb)(*arguments)
        workspace.pump_until_all_is_delivered()
        arrived = workspace.posted_numbers
        assert sorted(number for numbers in arrived.values() for number in numbers) == list(
            range(1, workspace.numbers + 1)
        )
        updates = set(
            Delivery.unscoped.filter(route__name="update").values_list(
                "event__sender_id", flat=True
            )
        )
        for numbers in arrived.values():
            for kind in (True, False):
                alike = [number for number in numbers if (str(number) in updates) is kind]
                assert alike == sorted(alike)
