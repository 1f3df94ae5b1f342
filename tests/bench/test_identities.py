"""The bench of identities takes its seed from outside, and holds the queue to a bar."""

import pytest

from bench.identities.matching import measure
from bench.suite import Options

pytestmark = [pytest.mark.django_db, pytest.mark.corrections(item="4.8")]


def test_the_directories_are_those_of_the_given_seed():
    figures = list(measure(None, Options(quick=True, long=False, seed=977)))
    bars = {figure.name: figure.bar for figure in figures}
    assert [name for name in bars if name.endswith(("_1", "_2", "_3"))] == []
    assert bars["identities_precision_977"] and bars["identities_doubtful_in_queue_977"]
