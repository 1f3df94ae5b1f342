"""Identities come out as CSV and go in by a plan: all or nothing, and only as it was shown."""

import csv
import io

import pytest
from django.core.exceptions import ValidationError

from hub.audit import ActorContext
from hub.identities.csv_pairs import (
    ROWS_MAX,
    PlanChanged,
    decode_file,
    import_identities,
    plan_identity_import,
    write_pairs,
)
from hub.mappings.models import Identity
from tests.factories import NOON

pytestmark = pytest.mark.django_db
ACTOR = ActorContext.system()
HEADER = "kind,local_id,remote_id,name\n"


@pytest.fixture
def slack(make):
    return make.connection(connector="slack", secret={"access_token": "x"}, account="T1")


def plan_of(connection, *lines, header=HEADER):
    return plan_identity_import(connection, header + "\n".join(lines))


def read_pairs():
    rows = Identity.confirmed().order_by("kind", "local_id")
    return [(row.kind, row.local_id, row.remote_id, row.name) for row in rows]


def run(connection, plan):
    return import_identities(connection, plan.text, plan.digest, ACTOR, now=NOON)


def test_a_plan_says_what_is_new_changed_and_the_same(make, slack):
    make.identity(slack, "user", "u-1", "U01AAAAAA", name="Ann")
    make.identity(slack, "user", "u-2", "U01BBBBBB")
    plan = plan_of(slack, "user,u-1,U01AAAAAA,", "user,u-2,U01CCCCCC,Cem", "user,u-3,U01DDDDDD,Dea")
    assert [row.change for row in plan.rows] == ["same", "changed", "new"]
    assert plan.changed_rows[0].current_remote_id == "U01BBBBBB"
    assert run(slack, plan) == 2
    assert read_pairs() == [
        ("user", "u-1", "U01AAAAAA", "Ann"),
        ("user", "u-2", "U01CCCCCC", "Cem"),
        ("user", "u-3", "U01DDDDDD", "Dea"),
    ]
    assert Identity.unscoped.get(local_id="u-3").source == "csv"


def test_what_comes_out_goes_in_again_and_changes_nothing(make, slack):
    make.identity(slack, "project", "=cmd()", "R,1", name='"Größe"; -1')
    make.identity(slack, "project", "'quoted", "R2", name="@name")
    text = "".join(write_pairs(slack))
    cells = list(csv.reader(io.StringIO(text)))
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in cells for cell in row)
    assert [row.change for row in plan_identity_import(slack, text).rows] == ["same", "same"]


@pytest.mark.parametrize(
    ("lines", "line", "text"),
    [
        (["user,,U01AAAAAA"], 2, "local_id is empty"),
        ([f"user,{'x' * 201},U01AAAAAA"], 2, "longer than 200"),
        (["user,u\x001,U01AAAAAA"], 2, "cannot be shown"),
        (['user,u-1,"U01A\nAAAAA"'], 3, "remote_id contains a character that cannot be shown"),
        (["user,u-1,U01AAAAAA", "user,u-1,U01BBBBBB"], 3, "line 2"),
        (["user,u-1,U01AAAAAA", "user,u-2,U01AAAAAA"], 3, "Line 2"),
        (["user,u-9,U01ZZZZZZ"], 2, "Already paired with u-0"),
        (["channel,orders,not an id"], 2, ""),
    ],
)
def test_a_row_that_cannot_be_has_its_line_and_problem(make, slack, lines, line, text):
    make.identity(slack, "user", "u-0", "U01ZZZZZZ")
    plan = plan_of(slack, *lines)
    (problem,) = plan.problems
    assert problem.line == line
    assert text in problem.problem
    assert not plan.can_run
    with pytest.raises(PlanChanged):
        run(slack, plan)


def test_two_pairs_may_change_places(make, slack):
    make.identity(slack, "user", "u-1", "U01AAAAAA")
    make.identity(slack, "user", "u-2", "U01BBBBBB")
    plan = plan_of(slack, "user,u-1,U01BBBBBB", "user,u-2,U01AAAAAA")
    assert run(slack, plan) == 2
    assert [pair[2] for pair in read_pairs()] == ["U01BBBBBB", "U01AAAAAA"]


def test_a_plan_that_would_do_something_else_by_now_is_not_run(make, slack):
    plan = plan_of(slack, "user,u-1,U01AAAAAA")
    make.identity(slack, "user", "u-1", "U01BBBBBB")
    with pytest.raises(PlanChanged):
        run(slack, plan)
    assert read_pairs()[0][2] == "U01BBBBBB"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "Missing: kind, local_id, remote_id"),
        ("kind,local_id\nuser,u", "Missing: remote_id"),
        (HEADER, "no rows"),
        (HEADER + "user,u,U01AAAAAA\n" * (ROWS_MAX + 1), "more than 5,000"),
        (HEADER + '"' + "x" * 140_000, "Line"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(slack, text, problem):
    with pytest.raises(ValidationError, match=problem):
        plan_identity_import(slack, text)


def test_a_file_of_a_spreadsheet_is_read(slack):
    content = b"\xef\xbb\xbfKind;Local_ID;Remote_ID\r\nuser;u-1;U01AAAAAA\r\n\r\n"
    plan = plan_identity_import(slack, decode_file(content))
    assert [row.pair.local_id for row in plan.rows] == ["u-1"]


@pytest.mark.parametrize(("content", "text"), [(b"\xff\xfe", "UTF-8"), (b"x" * 3_000_000, "2 MB")])
def test_a_file_that_is_no_text_or_too_large_is_refused(content, text):
    with pytest.raises(ValidationError, match=text):
        decode_file(content)


def test_thousands_of_pairs_are_stored_by_few_statements(slack, django_assert_max_num_queries):
    plan = plan_of(slack, *(f"user,u-{number},U{number:08d}" for number in range(3_000)))
    with django_assert_max_num_queries(80):
        assert run(slack, plan) == 3_000
