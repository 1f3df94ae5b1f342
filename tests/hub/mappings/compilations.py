"""Whether mappings and filters are compiled while a transaction keeps others from writing."""

from django.db import connection as database

from hub.mappings.translate import compile_filter, compile_mapping
from tests.watched_calls import watched_calls


def compiling():
    """Collects of each compilation of a mapping or filter whether a transaction was open."""
    return watched_calls(
        compile_mapping, compile_filter, note=lambda name: database.in_atomic_block
    )
