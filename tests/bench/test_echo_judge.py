"""What the judge of `bench incoming --only echo` counts."""

from dataclasses import replace

import pytest

from bench.incoming.echo.judge import (
    BAN_FAILURES,
    SENT_WITHIN,
    Attempt,
    Change,
    Published,
    Truth,
    Write,
    count_extra_writes,
    count_repeated_writes,
    find_bans,
    find_swallowed,
    find_unjudged,
)

pytestmark = pytest.mark.corrections(item="2.1")

US, COLLEAGUE = "005000000000001AAA", "005000000000002AAA"
PERSON, LEAD = "pipedrive.person.updated", "salesforce.lead.updated"
NAME = Change("pipedrive", "person", "31", "updated", "name", "ann v1", at=10.0)
LAST_NAME = Change("salesforce", "lead", "00Q1", "updated", "LastName", "ann v2", at=10.0)


def truth(*changes, writes=()):
    known = {("lead", "00Q1"): "ann", ("person", "31"): "ann"}
    return Truth(
        frozenset({PERSON, LEAD}), list(changes), list(writes), connected=US, mark_of=known
    )


def event(change, at=11.0, value=None, changed=(), **values):
    is_told = change.system == "pipedrive"
    values = {change.field: value or change.value, **values}
    fields = frozenset(changed or {change.field}) if is_told else None
    return Published(change.type, change.record, values, fields, at, at)


@pytest.mark.parametrize(
    ("published", "count"),
    [
        ([event(NAME)], 0),
        ([], 1),
        ([event(NAME, value="ann v0")], 1),
        ([event(NAME, at=2.0)], 1),
        ([event(NAME, changed={"phones"})], 1),
    ],
)
def test_a_change_that_no_event_tells_is_swallowed(published, count):
    assert len(find_swallowed(truth(NAME), published)) == count


def test_one_event_tells_one_change():
    again = Change("pipedrive", "person", "31", "updated", "name", "ann v1", at=10.5)
    assert find_swallowed(truth(NAME, again), [event(NAME)]) == [again]


def test_a_change_of_a_kind_that_is_not_registered_is_not_published():
    change = Change("pipedrive", "deal", "7", "updated", "title", "tea v1", at=10.0)
    assert find_swallowed(truth(change), []) == []


@pytest.mark.parametrize("field", ["LastName", "Status"])
@pytest.mark.parametrize(
    ("user", "after", "count"),
    [(US, 1.0, 0), (US, 9.0, 1), (US, -1.9, 0), (US, -2.1, 1), (COLLEAGUE, 1.0, 0)]
    + [(COLLEAGUE, -1.0, 1)],
)
def test_what_the_hub_writes_in_the_same_seconds_cannot_be_distinguished(field, user, after, count):
    """Before its message was sent; or as the same user, in the second of the change."""
    change = replace(LAST_NAME, user=user, field=field)
    by_hub = Write("salesforce", "ann", change.at + after)
    known = truth(change, writes=[by_hub])
    assert len(find_swallowed(known, [])) == count
    assert len(find_unjudged(known)) == 1 - count
    elsewhere = [replace(by_hub, mark="bob"), replace(by_hub, system="pipedrive")]
    assert len(find_swallowed(truth(change, writes=elsewhere), [])) == 1


@pytest.mark.parametrize(("status_at", "swallowed"), [(7.5, []), (6.0, [LAST_NAME])])
def test_an_indistinguishable_change_takes_no_event_from_another_change(status_at, swallowed):
    """A message with the state of the record has what was changed in other fields before, too."""
    status = Change("salesforce", "lead", "00Q1", "updated", "Status", "0000027", status_at)
    told = event(LAST_NAME, Status="0000027")
    assert find_swallowed(truth(status, LAST_NAME), [told]) == swallowed
    assert LAST_NAME in find_swallowed(truth(status, LAST_NAME), [])


def test_an_event_of_a_state_before_a_change_does_not_tell_it():
    earlier = replace(event(LAST_NAME), changed_at=8.0)
    assert find_swallowed(truth(LAST_NAME), [earlier]) == [LAST_NAME]


def test_each_event_more_than_there_are_changes_is_an_extra_write():
    extra = count_extra_writes(truth(NAME), [event(NAME), event(NAME), event(LAST_NAME)])
    assert extra == {(PERSON, "31"): 1, (LEAD, "00Q1"): 1}


def attempts(statuses, object="person"):
    return [
        Attempt("pipedrive", object, f"delivery {number}", 1, status, 10.0 + number)
        for number, status in enumerate(statuses)
    ]


@pytest.mark.parametrize(
    ("statuses", "bans"),
    [
        ([503] * (BAN_FAILURES - 1), {}),
        ([503] * (BAN_FAILURES - 1) + [200, 503], {}),
        ([200] + [0] * BAN_FAILURES, {"person": 11.0 - SENT_WITHIN}),
    ],
)
def test_ten_failed_first_attempts_in_a_row_are_a_ban(statuses, bans):
    assert find_bans(attempts(statuses)) == bans
    assert find_bans([*attempts(statuses), *attempts([503], "deal")]) == bans


def test_retries_make_no_ban():
    again = Attempt("pipedrive", "person", "delivery 0", 2, 503, 14.0)
    assert find_bans([*attempts([503] * (BAN_FAILURES - 1)), again]) == {}


@pytest.mark.parametrize(("banned_from", "count"), [(NAME.at, 0), (NAME.at + 1, 1)])
def test_a_change_that_was_not_sent_for_a_ban_is_not_swallowed(banned_from, count):
    told = Truth(frozenset({PERSON}), [NAME], bans={"person": banned_from})
    assert len(find_swallowed(told, [])) == count


@pytest.mark.parametrize(
    ("changes", "repeated"), [((NAME, NAME), 0), ((NAME,), 1), ((LAST_NAME,), 2)]
)
def test_each_write_more_than_there_are_changes_at_the_other_side_is_repeated(changes, repeated):
    known = truth(*changes, writes=[Write("salesforce", "ann", 11.0)] * 2)
    expected = {("salesforce", "ann"): repeated} if repeated else {}
    assert count_repeated_writes(known, {PERSON, LEAD}) == expected
