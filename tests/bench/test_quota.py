"""`bench quota` leaves the consequences of its kills to the product."""

from pathlib import Path

import pytest

import bench


@pytest.mark.corrections(item="4.1")
def test_no_bench_frees_the_leases_of_what_it_killed():
    texts = [path.read_text() for path in Path(bench.__file__).parent.rglob("*.py")]
    assert len(texts) > 50 and not any("free_leases" in text for text in texts)
