"""Compiled mappings and filters: what is held in memory is bounded, whatever is compiled."""

import json

import pytest

from hub.mappings import compiler_cache
from hub.mappings.compiler_cache import CompilerCache
from hub.mappings.translate import MappingError, compile_filter, compile_mapping
from hub.outgoing.insight.dry_run import dry_run_route

pytestmark = pytest.mark.corrections(item="3.5")

LARGE = {f"field_{number}": " || ".join(["data.a"] * 8) for number in range(150)}  # 4,650 nodes


def dump(number):
    return json.dumps(LARGE | {"number": number}).encode()


def test_a_mapping_has_at_most_five_thousand_nodes():
    assert 4_000 < compile_mapping(LARGE).node_count <= 5_000
    with pytest.raises(MappingError, match="more than 5,000 names and operators"):
        compile_mapping({f"field_{number}": "a" + " || a" * 90 for number in range(60)})


def test_the_cache_holds_as_many_nodes_as_its_bound_and_drops_the_oldest():
    compiled = []
    cache = CompilerCache(lambda body: compiled.append(body) or compile_mapping(json.loads(body)))
    for number in range(15):
        cache(dump(number))
    assert cache.node_count <= compiler_cache.CACHE_MAX_NODES
    cache(dump(14)), cache(dump(0))
    assert compiled == [*map(dump, range(15)), dump(0)]


def test_the_cache_holds_as_many_bytes_as_its_bound():
    cache = CompilerCache(lambda body: compile_mapping(json.loads(body)))
    for number in range(60):
        cache(
            json.dumps(
                {"constant": f"'{number}'", "filling": ["'" + "x" * 480 + "'"] * 100}
            ).encode()
        )
    assert 0 < cache.byte_count <= compiler_cache.CACHE_MAX_BYTES


def test_filters_are_bounded_alike():
    cache = CompilerCache(compile_filter)
    for number in range(1500):
        cache(f"data.n == `{number}` && " + " || ".join(["data.a"] * 20))
    assert 0 < cache.node_count <= compiler_cache.CACHE_MAX_NODES


@pytest.mark.django_db
def test_a_dry_run_is_not_cached(make):
    acme = make.tenant("acme")
    route = make.route(make.connection(acme, "slack"))
    before = compiler_cache.compiled_mapping.byte_count
    route.mapping.current.body["text"] = "'tried once'"
    dry_run_route(route, route.mapping.current, {"type": "order.created", "data": {}}, acme)
    assert compiler_cache.compiled_mapping.byte_count == before
