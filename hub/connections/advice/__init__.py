"""What a person is told when connecting goes wrong: the cause, who can mend it, and what to send to them."""

from hub.connections.advice.told import PROBLEMS, WHO, Told, told

__all__ = ["PROBLEMS", "WHO", "Told", "told"]
