"""Who holds SQLite's write lock for long is told by the benches on SQLite."""

import os
import sqlite3
from contextlib import closing

import pytest

from bench.installation.write_lock import LOCKS, LONG, WriteLockWatch

pytestmark = [
    pytest.mark.corrections(item="2.1"),
    pytest.mark.skipif(not LOCKS.exists(), reason="Linux tells who holds a lock"),
]


def test_a_process_that_keeps_the_write_lock_is_told_with_its_threads(tmp_path):
    with closing(sqlite3.connect(tmp_path / "hub.sqlite3", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        watch = WriteLockWatch(tmp_path / "hub.sqlite3")
        assert watch.look(0.0) == watch.look(LONG) == ""
        database.execute("BEGIN IMMEDIATE")
        assert watch.look(10.0) == watch.look(10.0 + LONG / 2) == ""
        assert f"for {LONG:.1f} s: {os.getpid()} " in watch.look(10.0 + LONG)
        database.execute("ROLLBACK")
        assert watch.look(20.0) == ""
