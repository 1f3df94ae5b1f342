"""Whatever a mapping says and whatever the data are: a result or a refusal, nothing else."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.mappings.expressions.functions import Functions
from hub.mappings.translate import IdentityMissing, MappingError, MappingFailed, compile_filter
from tests.hub.mappings.example_order import translate_example

# --- whatever comes -------------------------------------------------------------------------------

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None), max_size=10)
    | st.sampled_from(
        [
            "2026-10-01",
            "2026-10-01T12:00:00Z",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "1e400",
            10**400,
        ]
    ),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=10,
)
atoms = st.sampled_from(
    [
        "a",
        "b",
        "c",
        "@",
        "a.b",
        "[a,b]",
        "{a: b}",
        "'a'",
        "'days'",
        "`2`",
        "`-1`",
        "`1e300`",
        "`null`",
        "*",
        "[]",
    ]
)
expressions = st.recursive(
    atoms,
    lambda inner: (
        st.builds(
            "{}({})".format,
            st.sampled_from(sorted(Functions.FUNCTION_TABLE)),
            st.lists(inner, min_size=1, max_size=3).map(", ".join),
        )
        | st.builds(
            "({}) {} ({})".format,
            inner,
            st.sampled_from(["==", "<", ">=", "&&", "||", "|", "!="]),
            inner,
        )
        | st.builds("{}[?{}]".format, atoms, inner)
        | st.builds("sort_by({}, &{})".format, inner, inner)
        | st.builds("map(&{}, {})".format, inner, inner)
        | st.builds("({})[::{}]".format, inner, st.sampled_from(["1", "-1", "2"]))
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(expressions, anything)
def test_nothing_else_is_ever_raised(expression, value):
    try:
        assert set(
            translate_example({"field": expression}, {"a": value, "b": [value, 1], "c": "x"})
        ) == {"field"}
        compiled = compile_filter(expression)
        assert compiled.passes({"a": value}) is compiled.explain({"a": value}).passed
    except (MappingError, MappingFailed, IdentityMissing) as error:
        assert str(error).encode()
