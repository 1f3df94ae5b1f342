"""Cache of compiled field mappings and filters by their text, one for each compiler."""

import json
from functools import lru_cache

from hub.mappings.translate import (
    CompiledFilter,
    CompiledMapping,
    compile_filter,
    compile_mapping,
)

CACHE_SIZE = 2048  # texts


@lru_cache(maxsize=CACHE_SIZE)
def compiled_mapping(body: bytes) -> CompiledMapping:
    """Return the mapping whose JSON text is `body`. Raises MappingError when it is invalid."""
    return compile_mapping(json.loads(body))


@lru_cache(maxsize=CACHE_SIZE)
def compiled_filter(expression: str) -> CompiledFilter:
    """Return the filter, or the order key, of this text. Raises MappingError when it is invalid."""
    return compile_filter(expression)
