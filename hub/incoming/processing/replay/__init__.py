"""Replay items: one, or all that match a filter as an operation."""

from hub.incoming.processing.replay.replay_items import plan_replay, replay_batch, replay_item

__all__ = ["plan_replay", "replay_batch", "replay_item"]
