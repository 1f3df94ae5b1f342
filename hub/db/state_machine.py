"""One compare-and-swap for every state machine."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import models


class InvalidTransition(Exception):
    """The map forbids this move, or somebody else was first."""

    def __init__(self, instance: models.Model, requested_state: str) -> None:
        super().__init__(
            f"{instance._meta.label} {instance.pk} cannot go from {getattr(instance, 'state', '?')} to {requested_state}"
        )
        self.requested_state = requested_state


class StateMachine(models.Model):
    """A model whose `state` is changed only here. `TRANSITIONS` maps each state to those that may follow it."""

    TRANSITIONS: ClassVar[Mapping[str, set[str]]]
    state: "models.CharField[str, str]"

    class Meta:
        abstract = True

    def transition_to(self, state: str, **changes: Any) -> None:
        """UPDATE where the primary key and the old state match; raises WrongState, and changes nothing then."""
        if state not in self.TRANSITIONS.get(self.state, ()):
            raise InvalidTransition(self, state)
        rows = type(self)._base_manager.filter(**{"pk": self.pk, "state": self.state})
        if not rows.update(**{"state": state, **changes}):
            raise InvalidTransition(self, state)
        self.state = state
        for name, value in changes.items():
            setattr(self, name, value)
