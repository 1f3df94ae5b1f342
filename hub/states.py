"""One compare-and-swap for every state machine."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import models


class WrongState(Exception):
    """The map forbids this move, or somebody else was first."""

    def __init__(self, row: models.Model, wanted: str) -> None:
        super().__init__(f"{row._meta.label} {row.pk} cannot go from {getattr(row, 'state', '?')} to {wanted}")
        self.wanted = wanted


class Moves(models.Model):
    """A model whose `state` is changed only here. `MOVES` maps each state to those that may follow it."""

    MOVES: ClassVar[Mapping[str, set[str]]]

    class Meta:
        abstract = True

    def move(self, state: str, **changes: Any) -> None:
        """UPDATE where the primary key and the old state match; raises WrongState, and changes nothing then."""
        if state not in self.MOVES.get(self.state, ()):
            raise WrongState(self, state)
        rows = type(self)._base_manager.filter(pk=self.pk, state=self.state)
        if not rows.update(state=state, **changes):
            raise WrongState(self, state)
        self.state = state
        for name, value in changes.items():
            setattr(self, name, value)


def leading_to(model: type[Moves], state: str) -> list[str]:
    """The states from which the map allows a move to this one: for statements that move many rows."""
    return [old for old, following in model.MOVES.items() if state in following]
