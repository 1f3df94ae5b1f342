"""What the indexes of deliveries know instead of the state: to a stage, waiting and being sent are one.

A claim writes `sending` into rows by the thousand. PostgreSQL leaves the indexes of a row alone (a heap-only update)
only where no index mentions a column that changes, in its condition neither. So no index says `state`, and whatever
asks for a state asks for its stage too. Source: PostgreSQL's documentation, "Heap-Only Tuples (HOT)".
"""

from collections.abc import Iterable
from typing import Any

from django.db.models import Case, CharField, F, Field, GeneratedField, Q, Value, When
from django.db.models.expressions import Col
from django.db.models.lookups import Exact, In

OF_ONE_STAGE = {"waiting", "sending"}


def stage_field() -> GeneratedField:
    stage = Case(When(state="sending", then=Value("waiting")), default=F("state"))
    return GeneratedField(expression=stage, output_field=CharField(max_length=10), db_persist=True)


def stages_of(states: Iterable[str]) -> list[str]:
    return list(dict.fromkeys("waiting" if state == "sending" else state for state in states))


def at_stage(*states: str) -> Q:
    """For the condition of an index."""
    stages = stages_of(states)
    return Q(index_state__in=tuple(stages)) if len(stages) > 1 else Q(index_state=stages[0])


def by_stage(lookup: Exact | In, states: list[str], own: tuple[str, Any], compiler: Any) -> Any:
    """The same question of the stage; with the state's own words beside it, where those tell more.

    Its words are written out: SQLite takes a partial index only where the condition reads the same.
    """
    field = lookup.lhs.target
    if not {value for value, _ in field.flatchoices}.issuperset(states):
        return own
    column, _ = compiler.compile(Col(lookup.lhs.alias, field.model._meta.get_field("index_state")))
    stages = [f"'{stage}'" for stage in stages_of(states)]
    words = f"{column} = {stages[0]}" if len(stages) == 1 else f"{column} IN ({', '.join(stages)})"
    if len({*states} & OF_ONE_STAGE) != 1:
        return words, []
    return f"({words} AND {own[0]})", own[1]


class IsState(Exact):  # type: ignore[type-arg]
    def as_sql(self, compiler: Any, connection: Any) -> Any:
        own = super().as_sql(compiler, connection)
        if isinstance(self.lhs, Col) and isinstance(self.rhs, str):
            return by_stage(self, [self.rhs], own, compiler)
        return own


class IsOneOfStates(In):  # type: ignore[type-arg]
    def as_sql(self, compiler: Any, connection: Any) -> Any:
        own = super().as_sql(compiler, connection)
        if isinstance(self.lhs, Col) and self.rhs_is_direct_value():
            return by_stage(self, list(self.rhs), own, compiler)
        return own


def ask_by_stage(state: "Field[Any, Any]") -> None:
    """From now on, of this field."""
    state.register_lookup(IsState)
    state.register_lookup(IsOneOfStates)
