"""Every change that breaks a use is found, and none is invented."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.object_schemas import SchemaField
from hub.drift.comparison import Drift, advance_baseline, find_drift
from hub.drift.uses.schema_use import FieldUse, SchemaUse, index_uses

STAGES = (("Open", "Open"), ("Won", "Closed won"))
ID = SchemaField("Id", "Record ID", "id", writable=False)
TITLE = SchemaField("Title", "Title", "text", max_length=80)
EMAIL = SchemaField("Email", "E-mail", "email")
STAGE = SchemaField("StageName", "Stage", "picklist", picklist=STAGES)
FIELDS = (ID, TITLE, EMAIL, STAGE)


def use(*fields, creates=False, name="Orders"):
    """A route that writes these fields; one with a constant is a pair."""
    uses = [
        FieldUse(field) if isinstance(field, str) else FieldUse(field[0], frozenset({field[1]}))
        for field in fields
    ]
    return SchemaUse("Lead", {"name": name}, index_uses(uses), creates=creates)


WRITES_ALL = use("title", "Email", ("StageName", "Won"), creates=True)


def list_drift(after, *uses, before=FIELDS):
    return [
        (drift.change, drift.field_key, drift.before, drift.after)
        for drift in find_drift(before, after, uses or (WRITES_ALL,))
    ]


def remove_fields(*fields):
    return tuple(field for field in FIELDS if field not in fields)


def test_a_used_field_that_is_gone_is_removed():
    assert list_drift(remove_fields(TITLE)) == [("removed", "Title", "Title", "")]


def test_a_field_under_a_new_key_with_its_label_is_renamed():
    new = SchemaField("Job_Name__c", "title", "text")
    assert list_drift((*remove_fields(TITLE), new)) == [
        ("renamed", "Title", "Title", "Job_Name__c")
    ]


def test_a_field_under_a_similar_key_is_renamed():
    new = SchemaField("Title__c", "Position", "text")
    assert list_drift((*remove_fields(TITLE), new)) == [("renamed", "Title", "Title", "Title__c")]


@pytest.mark.parametrize(
    "added",
    [
        [SchemaField("Rank", "Rank", "text")],  # neither label nor key
        [SchemaField("Title2", "Title", "number")],  # of another type
        [SchemaField("Title2", "Title", "text", writable=False)],
        [SchemaField("TitleA", "Title", "text"), SchemaField("TitleB", "Title", "text")],
    ],
)
def test_what_may_be_another_field_is_no_new_name(added):
    assert list_drift((*remove_fields(TITLE), *added)) == [("removed", "Title", "Title", "")]


def test_one_added_field_is_the_new_name_of_one_field_only():
    other = replace(TITLE, key="Title_2")
    new = SchemaField("Title_3", "Title", "text")
    before, after = (*FIELDS, other), (*remove_fields(TITLE), new)
    changes = list_drift(after, use("Title", "Title_2"), before=before)
    assert [change for change, *_ in changes] == ["removed", "removed"]


def test_a_type_that_changed_is_found():
    after = (*remove_fields(TITLE), replace(TITLE, type="number"))
    assert list_drift(after) == [("retyped", "Title", "text", "number")]


def test_a_field_that_is_written_and_became_read_only_is_found():
    after = (*remove_fields(TITLE), replace(TITLE, writable=False))
    assert list_drift(after) == [("retyped", "Title", "text", "read-only")]
    reads = SchemaUse("Lead", {}, index_uses([FieldUse("Title", is_written=False)]))
    assert list_drift(after, reads) == []


def test_a_newly_required_field_breaks_those_that_create_records_without_it():
    after = (*remove_fields(EMAIL), replace(EMAIL, required=True))
    creates, updates = use("Title", creates=True, name="A"), use("Title", name="B")
    (drift,) = find_drift(FIELDS, after, [creates, updates, WRITES_ALL])
    assert (drift.change, drift.field_key, drift.uses) == ("newly_required", "Email", (creates,))
    assert list_drift((*FIELDS, SchemaField("New", "New", "text", required=True)), creates) == [
        ("newly_required", "New", "", "")
    ]


def test_a_field_that_was_required_before_is_no_news():
    before = (*remove_fields(EMAIL), replace(EMAIL, required=True))
    assert list_drift(before, use("Title", creates=True), before=before) == []


def test_the_new_name_of_a_required_field_is_one_finding():
    old, new = replace(TITLE, required=True), replace(TITLE, key="Title__c", required=True)
    changes = list_drift((*remove_fields(TITLE), new), before=(*remove_fields(TITLE), old))
    assert changes == [("renamed", "Title", "Title", "Title__c")]


def test_a_value_that_is_written_and_gone_is_found():
    after = (*remove_fields(STAGE), replace(STAGE, picklist=STAGES[:1]))
    assert list_drift(after) == [("picklist_value_gone", "StageName", "Won", "Closed won")]


@pytest.mark.parametrize(
    "after",
    [
        replace(STAGE, picklist=STAGES[1:]),  # another value is gone
        replace(STAGE, picklist=STAGES[:1], restricted=False),  # it is taken all the same
        replace(STAGE, picklist=(("Won", "Won!"), *STAGES)),
    ],
)
def test_other_changes_of_values_break_nothing(after):
    assert list_drift((*remove_fields(STAGE), after)) == []


def test_a_value_that_never_existed_is_no_drift():
    assert list_drift(FIELDS, use(("StageName", "Lost"))) == []


def test_letter_case_makes_no_other_field():
    assert list_drift(FIELDS, use("TITLE", "email")) == []
    assert list_drift(remove_fields(TITLE), use("TITLE")) == [("removed", "Title", "Title", "")]


def test_a_use_of_what_never_existed_is_no_drift():
    assert list_drift(FIELDS, use("Nothing__c")) == []


# --- none invented --------------------------------------------------------------------------------

TYPES = ("text", "number", "boolean", "date", "picklist", "reference", "email")
keys = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,9}", fullmatch=True)
labels = st.text(min_size=1, max_size=12)
picklists = st.lists(st.sampled_from("ABCDE"), unique=True, max_size=4).map(
    lambda values: tuple((value, value) for value in values)
)
schema_fields = st.builds(
    SchemaField,
    keys,
    labels,
    st.sampled_from(TYPES),
    required=st.booleans(),
    writable=st.booleans(),
    picklist=picklists,
    restricted=st.booleans(),
)
schemas = st.lists(schema_fields, unique_by=lambda field: field.key.casefold(), max_size=8)


@st.composite
def harmless_changes(draw):
    """A schema, uses of it, and the schema after changes that break nothing."""
    before = draw(schemas)
    used = draw(st.lists(st.sampled_from(before), unique=True)) if before else []
    constants = {field.key: draw(st.sampled_from("ABCDE")) for field in used}
    uses = [use(*constants.items(), "Unknown_Field__c", creates=draw(st.booleans()))]
    after = [
        replace(
            field,
            label=draw(labels),
            help=draw(st.text(max_size=5)),
            max_length=draw(st.none() | st.integers(1, 9)),
            required=field.required and draw(st.booleans()),
            picklist=(*field.picklist, ("Z", "Z")),
        )
        for field in before
    ]
    taken = {field.key.casefold() for field in before}
    new = [
        replace(field, required=False)
        for field in draw(schemas)
        if field.key.casefold() not in taken
    ]
    return before, draw(st.permutations(after + new)), uses


@given(harmless_changes())
def test_order_labels_new_fields_and_new_values_are_no_drift(change):
    before, after, uses = change
    assert find_drift(before, after, uses) == []
    assert find_drift(before, before, uses) == []


@given(schemas, schemas, st.booleans())
def test_whatever_is_found_is_in_the_difference_and_used(before, after, creates):
    uses = [use(*(field.key for field in before[::2]), creates=creates)]
    old = {field.key: field for field in before}
    new = {field.key: field for field in after}
    for drift in find_drift(before, after, uses):
        assert drift.uses == tuple(uses)
        assert old.get(drift.field_key) != new.get(drift.field_key)
        if drift.change != "newly_required":
            assert uses[0].find(drift.field_key)


@given(schemas, schemas, st.booleans())
def test_a_finding_is_found_again_until_it_is_repaired(before, after, creates):
    uses = [use(*(field.key for field in before[::2]), creates=creates)]
    drifts = find_drift(before, after, uses)
    baseline = advance_baseline(before, after, drifts)
    again = find_drift(baseline, after, uses)
    assert describe(again) == describe(drifts)
    assert find_drift(advance_baseline(baseline, after, []), after, uses) == []


def describe(drifts):
    return sorted((drift.change, drift.field_key, drift.before, drift.after) for drift in drifts)


def test_a_repaired_schema_and_a_repaired_use_are_no_drift():
    after = (*remove_fields(TITLE), SchemaField("Title__c", "Title", "text"))
    drifts = find_drift(FIELDS, after, [WRITES_ALL])
    baseline = advance_baseline(FIELDS, after, drifts)
    assert find_drift(baseline, FIELDS, [WRITES_ALL]) == []
    repaired = use("Title__c", "Email", ("StageName", "Won"), creates=True)
    assert find_drift(baseline, after, [repaired]) == []
    assert isinstance(drifts[0], Drift)
