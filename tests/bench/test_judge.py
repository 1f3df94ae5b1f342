"""What the judge of `bench faults` excuses, and what it does not."""

import math
from dataclasses import replace

import pytest

from bench.faults.evaluation import crashes_of, recoveries, repeats
from bench.faults.event_callers import CallerLog
from bench.faults.facts import Evaluation
from bench.faults.kill import Kill
from bench.faults.owners import SocketOwners, Span
from bench.sink.client import Arrival

PUMP, OTHER = 100, 200  # process ids
TWICE = [Arrival(10.0, "msg_a", "/", port=PUMP), Arrival(14.0, "msg_a", "/", port=OTHER)]


def owners_of(*pids, every=0.05):
    """Who held which port in 20 seconds, sampled so often; the ports are the process ids."""
    owners = SocketOwners(sink_port=0)
    owners.begins = [every * number for number in range(int(20 / every))]
    owners.ends = [begin + 0.01 for begin in owners.begins]
    owners.spans |= {pid: [Span(pid, 0.0, 20.0)] for pid in pids}
    return owners


def case(*, kills=(), crashes=(12.0,), arrivals=TWICE, outages=(), acknowledged=9.5):
    """One event, stored at second 9.5, whose sender's port is its process id."""
    return Evaluation(
        logs=[CallerLog(acknowledged={"a": acknowledged})],
        arrivals=arrivals,
        ids={"a": "msg_a"},
        stored={"msg_a": 9.5},
        crashes={"msg_a": list(crashes)},
        outages=list(outages),
        kills=list(kills),
        owners=owners_of(PUMP, OTHER),
    )


def value(figures, name):
    return next(figure.value for figure in figures if figure.name == f"faults_{name}")


def test_a_kill_of_the_process_that_sent_it_excuses_a_second_send():
    assert (
        value(
            repeats(case(kills=[Kill(10.2, "pump", frozenset([PUMP]))])),
            "extra_sends_without_a_kill",
        )
        == 0
    )


@pytest.mark.parametrize(
    "kill",
    [
        Kill(10.2, "pump", frozenset([OTHER])),
        Kill(11.5, "pump", frozenset([PUMP])),
        Kill(10.2, "web_worker", frozenset([300]), hits_worker=False),
    ],
    ids=["of another process", "after its answer was written down", "of the web"],
)
def test_no_other_kill_excuses_a_second_send(kill):
    assert value(repeats(case(kills=[kill])), "extra_sends_without_a_kill") == 1


def test_a_crash_that_no_kill_explains_is_a_stray():
    assert (
        value(repeats(case(kills=[Kill(10.2, "pump", frozenset([OTHER]))])), "stray_crashes") == 1
    )


def test_a_second_send_that_no_row_explains_is_counted():
    assert value(repeats(case(crashes=[])), "unexplained_sends") == 1


def test_recovery_counts_from_the_kill_that_hit_the_delivery_also_where_another_follows():
    kills = [Kill(10.2, "pump", frozenset([PUMP])), Kill(13.0, "pump", frozenset([300]))]
    assert value(recoveries(case(kills=kills)), "sent_again_within") == pytest.approx(3.8)


@pytest.mark.parametrize(
    ("later", "seconds"),
    [
        (Kill(10.4, "(ended)", frozenset([PUMP])), 3.8),
        (Kill(10.4, "helper", frozenset([300])), math.inf),
    ],
)
def test_the_replacement_of_a_killed_pool_is_no_kill_beside_it(later, seconds):
    kills = [Kill(10.2, "pool", frozenset([PUMP, 301])), later]
    found = value(recoveries(case(kills=kills)), "sent_again_after_member")
    assert found == pytest.approx(seconds)


@pytest.mark.corrections(item="4.2")
@pytest.mark.parametrize(
    ("every", "killed_at", "unexcused"),
    [(0.05, 10.04, 0), (0.05, 10.2, 1), (0.4, 10.2, 0), (0.4, 10.5, 1)],
)
def test_a_sender_that_was_never_seen_is_excused_by_a_kill_before_the_next_sample_only(
    every, killed_at, unexcused
):
    kill = Kill(killed_at, "pump", frozenset([300]))
    unseen = replace(case(kills=[kill]), owners=owners_of(every=every))
    assert value(repeats(unseen), "extra_sends_without_a_kill") == unexcused


@pytest.mark.corrections(item="4.2")
def test_recoveries_of_which_none_was_measured_do_not_hold():
    found = {
        figure.name: figure
        for figure in recoveries(case(kills=[Kill(10.2, "pump", frozenset())], crashes=[]))
    }
    assert found["faults_samples_after_member"].value == 0
    names = ("sent_again_within", "samples_after_member", "sent_again_after_member")
    assert not any(found[f"faults_{name}"].holds for name in names)


def test_a_kill_explains_a_crash_also_if_the_event_was_acknowledged_after_it():
    kills = [Kill(10.2, "everything", frozenset([OTHER]))]
    found = list(crashes_of(case(kills=kills, arrivals=[TWICE[1]], acknowledged=13.0)))
    assert [crash.kill for crash in found] == kills


def test_what_was_claimed_and_never_sent_counts_from_the_first_kill_after_it_was_stored():
    arrivals, kills = (
        [Arrival(14.0, "msg_a", "/", port=OTHER)],
        [Kill(9.8, "pool", frozenset([PUMP]))],
    )
    (crash,) = crashes_of(case(kills=kills, arrivals=arrivals))
    assert (crash.kill.at, crash.sent_again) == (9.8, 14.0)


def test_while_the_database_is_away_nothing_can_be_found():
    kill = Kill(10.2, "pump", frozenset([PUMP]))
    late = [TWICE[0], Arrival(45.0, "msg_a", "/", port=OTHER)]
    with_outage = case(kills=[kill], crashes=[40.0], arrivals=late, outages=[(11.0, 30.0)])
    assert [crash.kill for crash in crashes_of(with_outage)] == [kill]
    assert [
        crash.kill for crash in crashes_of(case(kills=[kill], crashes=[40.0], arrivals=late))
    ] == [None]
