"""Caches of compiled field mappings and filters by their text, bounded by nodes and bytes."""

import json
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, Protocol, TypeVar

from hub.mappings.translate import (
    CompiledFilter,
    CompiledMapping,
    compile_filter,
    compile_mapping,
)

CACHE_MAX_NODES = 50_000  # about 25 MB
CACHE_MAX_BYTES = 2 * 1024 * 1024  # of the texts


class Compiled(Protocol):
    @property
    def node_count(self) -> int: ...


Text = TypeVar("Text", bytes, str)
Result = TypeVar("Result", bound=Compiled)


class CompilerCache(Generic[Text, Result]):
    """The results of a compiler for the texts that were used last, for all threads."""

    def __init__(self, compile_text: Callable[[Text], Result]) -> None:
        self._compile_text: Callable[[Text], Result] = compile_text
        self._results: OrderedDict[Text, Result] = OrderedDict()
        self._lock = Lock()
        self.node_count = self.byte_count = 0

    def __call__(self, text: Text) -> Result:
        """Return the compiled text. Raises what the compiler raises."""
        with self._lock:
            if text in self._results:
                self._results.move_to_end(text)
                found: Result = self._results[text]
                return found
        result: Result = self._compile_text(text)
        with self._lock:
            if text not in self._results:
                self._results[text] = result
                self._count(text, result, 1)
            while self.node_count > CACHE_MAX_NODES or self.byte_count > CACHE_MAX_BYTES:
                self._count(*self._results.popitem(last=False), -1)
        return result

    def _count(self, text: Text, result: Result, sign: int) -> None:
        self.node_count += sign * result.node_count
        self.byte_count += sign * len(text)


def _compile_body(body: bytes) -> CompiledMapping:
    return compile_mapping(json.loads(body))


# the mapping whose JSON text is given; raises MappingError when it is invalid
compiled_mapping: CompilerCache[bytes, CompiledMapping] = CompilerCache(_compile_body)
# the filter, or the order key, of a text; raises MappingError when it is invalid
compiled_filter: CompilerCache[str, CompiledFilter] = CompilerCache(compile_filter)
