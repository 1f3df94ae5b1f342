"""The bench of silence takes its seed from outside, and judges what can be judged."""

from random import Random

from bench.silence.detect import measure
from bench.silence.evidence import Death
from bench.silence.traffic import SHAPES, build_traffic
from bench.suite import Options


def test_every_shape_has_its_figures():
    figures = {figure.name: figure for figure in measure(None, Options(True, False, seed=5))}
    assert {shape for shape in SHAPES if any(name.endswith(f"_{shape}") for name in figures)} == (
        set(SHAPES)
    )
    assert str(figures["silence_found_growth"].bar) == "value >= 0.95"
    assert str(figures["silence_false_bursts"].bar) == "value <= 0.1"
    assert str(figures["silence_false_worst"].bar) == "value <= 1"
    assert figures["silence_alone_steady"].bar is None


def test_a_seed_draws_the_same_traffic_again():
    one, same, other = (build_traffic("office", Random(seed), weeks=2) for seed in (4, 4, 5))
    assert one == same
    assert one.times != other.times


def test_the_feed_of_a_provider_says_nothing_before_something_was_missed():
    traffic = build_traffic("steady", Random(1), weeks=2)
    before, after = traffic.times[10:12]
    death = Death(at=(before + after) / 2, manner="feed")
    assert not death.answer(after - 1e-9, traffic, Random(2))[1]
    assert death.answer(after + 1e-9, traffic, Random(2))[1]
