"""State machines: transitions are compare-and-swap updates."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from hub.problems import Refusal
from hub.state_texts import state_label


class InvalidTransition(Refusal):
    """The state machine forbids this transition, or the state was changed meanwhile."""

    def __init__(
        self, instance: models.Model, requested_state: str, sentence: str | Promise = ""
    ) -> None:
        super().__init__(sentence)
        self.add_note(
            f"{instance._meta.label} {instance.pk} cannot go "
            f"from {getattr(instance, 'state', '?')} to {requested_state}"
        )


class StateMachine(models.Model):
    """A model whose `state` changes only here, along `TRANSITIONS`: the states that may follow."""

    TRANSITIONS: ClassVar[Mapping[str, set[str]]]
    state: "models.CharField[str, str]"

    class Meta:
        abstract = True

    def transition_to(self, state: str, **changes: Any) -> None:
        """Update the row if it still has the old state.

        Raises InvalidTransition, and changes nothing, when the transition is not allowed or the
        state was changed.
        """
        if state not in self.TRANSITIONS.get(self.state, ()):
            sentence = _("It is “%(state)s”, so nothing was changed.")
            raise InvalidTransition(self, state, sentence % {"state": state_label(self.state)})
        rows = type(self)._base_manager.filter(**{"pk": self.pk, "state": self.state})
        if not rows.update(**{"state": state, **changes}):
            raise InvalidTransition(self, state)
        self.state = state
        for name, value in changes.items():
            setattr(self, name, value)
