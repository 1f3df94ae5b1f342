"""Documents of parts are merged and compared leaf by leaf."""

from hypothesis import given
from hypothesis import strategies as st

from hub.recipes.documents import build_document, flatten_document, list_changes, merge_documents

leaves = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers())
documents = st.dictionaries(
    st.sampled_from("abcd"),
    st.recursive(
        leaves, lambda inner: st.dictionaries(st.sampled_from("abcd"), inner), max_leaves=8
    ),
)


@given(documents)
def test_a_document_is_the_sum_of_its_leaves(document):
    assert build_document(dict(flatten_document(document))) == document


@given(documents, documents)
def test_an_unchanged_value_becomes_the_new_one(made, wanted):
    assert merge_documents(made, made, wanted) == wanted


@given(documents, documents)
def test_a_recipe_that_makes_the_same_changes_nothing(current, made):
    assert merge_documents(current, made, made) == current


@given(documents)
def test_a_document_does_not_differ_from_itself(document):
    assert list_changes(document, document) == []


def test_true_is_not_1():
    assert [change.path for change in list_changes({"a": {"b": True}}, {"a": {"b": 1}})] == ["a.b"]


def test_both_changes_are_merged():
    current = {"text": "mine", "channel": "C1", "extra": {"icon": "tea"}}
    fields = {"text": "old", "channel": "C1"}
    assert merge_documents(current, fields, {"text": "old", "channel": "C2"}) == {
        "text": "mine",
        "channel": "C2",
        "extra": {"icon": "tea"},
    }
