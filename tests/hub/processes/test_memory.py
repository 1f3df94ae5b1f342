"""Free memory returns to the system, and none is searched in vain."""

import os
import subprocess
import sys

import pytest

from hub.processes.memory import LIBC

PIECES, SIZE = 40_000, 1_000
LATE = """
import os
from hub.processes.memory import trim_memory

def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

pieces = [bytes({size}) for _ in range({pieces})]
last = bytes({size})  # the heap ends with it, so that nothing below is given back by itself
del pieces
before = resident()
trim_memory()
print(before - resident())
"""

LOAD = """
import gc, django
django.setup()
import hub.urls
print(sum(generation["collections"] for generation in gc.get_stats()))
"""


def test_a_process_that_loads_the_hub_collects_little_garbage_meanwhile():
    """There is none, and hundreds of processes start; with the defaults of Python it collects
    more than five hundred times.
    """
    result = subprocess.run(
        [sys.executable, "-c", LOAD], cwd=os.getcwd(), capture_output=True, text=True, check=True
    )
    assert int(result.stdout) < 200


@pytest.mark.skipif(
    not hasattr(LIBC, "malloc_trim"), reason="only glibc keeps it, and gives it back when asked"
)
def test_memory_that_work_has_needed_returns_to_the_system():
    program = LATE.format(pieces=PIECES, size=SIZE)
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=os.getcwd(), capture_output=True, text=True, check=True
    )
    assert int(result.stdout) > PIECES * SIZE / 2
