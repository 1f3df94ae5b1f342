from hub.outgoing.pump.strides import FIRST, MOST, PARKED_MOST, QUICK, Strides


def test_a_lane_that_nobody_knows_begins_small():
    assert Strides().of(17) == FIRST


def test_a_lane_whose_slice_was_soon_over_gets_a_longer_one_up_to_a_bound():
    strides = Strides()
    for _ in range(10):
        strides.learn(17, seconds=QUICK / 2, sent=True)
    assert strides.of(17) == MOST


def test_a_lane_whose_slice_took_its_time_keeps_its_stride():
    strides = Strides()
    strides.learn(17, seconds=2 * QUICK, sent=True)
    assert strides.of(17) == FIRST


def test_a_lane_that_sends_some_back_gets_a_shorter_one_but_one_at_least():
    strides = Strides()
    for _ in range(10):
        strides.learn(17, seconds=0.0, sent=False)
    assert (strides.of(17), strides.of(18)) == (1, FIRST)


def test_a_lane_of_which_all_waits_for_quotas_gets_longer_slices_until_something_goes():
    strides = Strides()
    for _ in range(10):
        strides.learn_parked(17)
    assert strides.of(17) == PARKED_MOST
    strides.learn(17, seconds=QUICK / 2, sent=True)
    assert strides.of(17) == MOST
