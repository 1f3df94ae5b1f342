"""Gaps of sources: when changes may have been missed, and until when a source is complete."""

from hub.incoming.gaps.completeness import (
    complete_until,
    complete_until_expression,
    describe_completeness,
)
from hub.incoming.gaps.gap_states import (
    cancel_gaps,
    cancel_gaps_of_disconnected,
    end_gap_cause,
    find_unwanted_end,
    open_gap,
)
from hub.incoming.gaps.sources import find_sources, lock_sources, note_listed, reset_sources

__all__ = [
    "cancel_gaps",
    "cancel_gaps_of_disconnected",
    "complete_until",
    "complete_until_expression",
    "describe_completeness",
    "end_gap_cause",
    "find_sources",
    "find_unwanted_end",
    "lock_sources",
    "note_listed",
    "open_gap",
    "reset_sources",
]
