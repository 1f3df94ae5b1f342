from hub.outgoing.pump.claiming.batch_sizing import (
    INITIAL_ROUNDS,
    MAX_PARKED_ROUNDS,
    MAX_ROUNDS,
    QUICK_SECONDS,
    BatchSizing,
)


def test_a_lane_that_nobody_knows_begins_small():
    assert BatchSizing().rounds_for(17) == INITIAL_ROUNDS


def test_a_lane_whose_slice_was_soon_over_gets_a_longer_one_up_to_a_bound():
    sizing = BatchSizing()
    for _ in range(10):
        sizing.record_batch(17, seconds=QUICK_SECONDS / 2, completed=True)
    assert sizing.rounds_for(17) == MAX_ROUNDS


def test_a_lane_whose_slice_took_its_time_keeps_its_stride():
    sizing = BatchSizing()
    sizing.record_batch(17, seconds=2 * QUICK_SECONDS, completed=True)
    assert sizing.rounds_for(17) == INITIAL_ROUNDS


def test_a_lane_that_sends_some_back_gets_a_shorter_one_but_one_at_least():
    sizing = BatchSizing()
    for _ in range(10):
        sizing.record_batch(17, seconds=0.0, completed=False)
    assert (sizing.rounds_for(17), sizing.rounds_for(18)) == (1, INITIAL_ROUNDS)


def test_a_lane_of_which_all_waits_for_quotas_gets_longer_slices_until_something_goes():
    sizing = BatchSizing()
    for _ in range(10):
        sizing.record_parked(17)
    assert sizing.rounds_for(17) == MAX_PARKED_ROUNDS
    sizing.record_batch(17, seconds=QUICK_SECONDS / 2, completed=True)
    assert sizing.rounds_for(17) == MAX_ROUNDS
