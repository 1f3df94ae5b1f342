"""Hooks: places where a package calls functions of packages above it, which it never imports.

A hook is declared beside the code that calls it, with the type of its functions. `hub/wiring.py`
connects them, so mypy checks each one, and a search for the hook's name finds who calls and who is
called.
"""

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


class Hook(Generic[Function]):
    """Functions that are called one after the other, in the order in which they were connected."""

    def __init__(self) -> None:
        self._functions: tuple[Function, ...] = ()

    def connect(self, *functions: Function) -> None:
        """Let the hook call these functions, instead of any before."""
        self._functions = functions

    def __iter__(self) -> Iterator[Function]:
        return iter(self._functions)

    @property
    def function(self) -> Function:
        """Return the function of a hook that has exactly one."""
        (function,) = self._functions
        return function
