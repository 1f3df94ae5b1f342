"""Replay items: one, or all that match a filter as an operation."""

from hub.incoming.processing.replay.replay_items import (
    ITEM_ACTIONS,
    plan_replay,
    replay_batch,
    replay_item,
)

__all__ = ["ITEM_ACTIONS", "plan_replay", "replay_batch", "replay_item"]
