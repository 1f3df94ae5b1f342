"""Caches of compiled mappings and filters by text, bounded by nodes and bytes; which compile."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any, Generic, Protocol, TypeVar

from connectors.http import dump_json
from hub.mappings.translate import (
    CompiledFilter,
    CompiledMapping,
    MappingError,
    compile_filter,
    compile_mapping,
)

CACHE_MAX_NODES = 50_000  # about 25 MB
CACHE_MAX_BYTES = 2 * 1024 * 1024  # of the texts


CHECKED_BODIES_MAX = 1_000


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


class BodyChecker:
    """Whether bodies of mappings compile, for all threads. Of the bodies that were checked last it
    remembers their digests and errors, so that a body that was checked before a transaction takes
    no time in it.
    """

    def __init__(self) -> None:
        self._errors: OrderedDict[bytes, MappingError | None] = OrderedDict()
        self._lock = Lock()

    def __call__(self, body: Any) -> None:
        """Raise MappingError if the body does not compile."""
        digest = hashlib.sha256(dump_json(body)).digest()
        with self._lock:
            is_known, error = digest in self._errors, self._errors.get(digest)
        if not is_known:
            error = _find_mapping_error(body)
            with self._lock:
                self._errors[digest] = error
                while len(self._errors) > CHECKED_BODIES_MAX:
                    self._errors.popitem(last=False)
        if error is not None:
            raise MappingError(error.path, error.expression, error.message)


def _find_mapping_error(body: Any) -> MappingError | None:
    try:
        compile_mapping(body)
    except MappingError as error:
        return MappingError(error.path, error.expression, error.message)
    return None


check_body_compiles = BodyChecker()
