from hub.outgoing.pump.claiming.batch_sizing import (
    INITIAL_ROUNDS,
    MAX_PARKED_ROUNDS,
    MAX_ROUNDS,
    QUICK_BATCH_SECONDS,
    BatchSizing,
)


def test_an_unknown_lane_begins_with_a_small_batch():
    assert BatchSizing().rounds_for(17) == INITIAL_ROUNDS


def test_a_lane_whose_batch_is_sent_quickly_gets_a_larger_one_up_to_a_limit():
    sizing = BatchSizing()
    for _ in range(10):
        sizing.record_batch(17, seconds=QUICK_BATCH_SECONDS / 2, completed=True)
    assert sizing.rounds_for(17) == MAX_ROUNDS


def test_a_lane_whose_batch_takes_long_keeps_its_size():
    sizing = BatchSizing()
    sizing.record_batch(17, seconds=2 * QUICK_BATCH_SECONDS, completed=True)
    assert sizing.rounds_for(17) == INITIAL_ROUNDS


def test_a_lane_that_runs_out_of_time_gets_a_smaller_batch_but_one_round_at_least():
    sizing = BatchSizing()
    for _ in range(10):
        sizing.record_batch(17, seconds=0.0, completed=False)
    assert (sizing.rounds_for(17), sizing.rounds_for(18)) == (1, INITIAL_ROUNDS)


def test_a_lane_whose_batch_is_parked_gets_larger_ones_until_something_is_sent():
    sizing = BatchSizing()
    for _ in range(10):
        sizing.record_parked(17)
    assert sizing.rounds_for(17) == MAX_PARKED_ROUNDS
    sizing.record_batch(17, seconds=QUICK_BATCH_SECONDS / 2, completed=True)
    assert sizing.rounds_for(17) == MAX_ROUNDS
