"""The index state of deliveries, stored by indexes: *waiting* and *sending* share one.

A claim writes `sending` into thousands of rows. PostgreSQL can avoid index updates (heap-only
tuples) only if no index, nor its condition, uses a changed column. So no index uses `state`, and
look-ups of a state add the index state. Source: PostgreSQL's documentation, "Heap-Only Tuples
(HOT)".
"""

from collections.abc import Iterable
from typing import Any

from django.db.models import Case, CharField, F, Field, GeneratedField, Q, Value, When
from django.db.models.expressions import Col
from django.db.models.lookups import Exact, In

MERGED_STATES = {"waiting", "sending"}


def create_index_state_field() -> GeneratedField:
    expression = Case(When(state="sending", then=Value("waiting")), default=F("state"))
    return GeneratedField(
        expression=expression, output_field=CharField(max_length=10), db_persist=True
    )


def _list_index_states(states: Iterable[str]) -> list[str]:
    return list(dict.fromkeys("waiting" if state == "sending" else state for state in states))


def match_index_states(*states: str) -> Q:
    """Build the condition of an index."""
    index_states = _list_index_states(states)
    return (
        Q(index_state__in=tuple(index_states))
        if len(index_states) > 1
        else Q(index_state=index_states[0])
    )


def _compile_by_index_state(
    lookup: Exact | In, states: list[str], default_sql: tuple[str, Any], compiler: Any
) -> Any:
    """Compile a look-up of states to one of index states, or to both if the states are narrower.

    The values are literals: SQLite uses a partial index only if its condition is textually the
    same.
    """
    field = lookup.lhs.target
    if not {value for value, _ in field.flatchoices}.issuperset(states):
        return default_sql
    column, _ = compiler.compile(Col(lookup.lhs.alias, field.model._meta.get_field("index_state")))
    index_states = [f"'{state}'" for state in _list_index_states(states)]
    condition = (
        f"{column} = {index_states[0]}"
        if len(index_states) == 1
        else f"{column} IN ({', '.join(index_states)})"
    )
    if len({*states} & MERGED_STATES) != 1:
        return condition, []
    return f"({condition} AND {default_sql[0]})", default_sql[1]


class IsState(Exact):  # type: ignore[type-arg]  # not subscriptable at run time
    def as_sql(self, compiler: Any, connection: Any) -> Any:
        default_sql = super().as_sql(compiler, connection)
        if isinstance(self.lhs, Col) and isinstance(self.rhs, str):
            return _compile_by_index_state(self, [self.rhs], default_sql, compiler)
        return default_sql


class IsOneOfStates(In):  # type: ignore[type-arg]  # not subscriptable at run time
    def as_sql(self, compiler: Any, connection: Any) -> Any:
        default_sql = super().as_sql(compiler, connection)
        if isinstance(self.lhs, Col) and self.rhs_is_direct_value():
            return _compile_by_index_state(self, list(self.rhs), default_sql, compiler)
        return default_sql


def register_state_lookups(state: "Field[Any, Any]") -> None:
    """Register look-ups on `Delivery.state` that add the condition on the index state."""
    state.register_lookup(IsState)
    state.register_lookup(IsOneOfStates)
