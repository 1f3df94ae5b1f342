"""Names as people write them: spellings, orders, short forms, and what is another person."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.identities.matching.addresses import parse_address
from hub.identities.matching.edit_distance import is_misspelling, measure_distance
from hub.identities.matching.mailboxes import is_role_mailbox, is_role_title
from hub.identities.matching.names import NameRelation, compare_names, is_same_name, parse_name

R = NameRelation


def relation(first, second):
    return compare_names(parse_name(first), parse_name(second), lambda word: False)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("Thomas Müller", "Mueller, Thomas", R.EXACT),
        ("Thomas Müller", "MULLER Thomas", R.EXACT),
        ("Jürgen Groß", "Juergen Gross", R.EXACT),
        ("Søren Kjærgaard", "Soeren Kjaergaard", R.EXACT),
        ("Łukasz Źdźbłowski", "Lukasz Zdzblowski", R.EXACT),
        ("Юлия Иванова", "Yuliya Ivanova", R.EXACT),
        ("Aoife O'Brien", "Aoife O’Brien (she/her)", R.EXACT),
        ("Dr. Anna Weber", "Anna Weber | Sales", R.EXACT),
        ("Ludwig van Beethoven", "Ludwig Beethoven", R.EXACT),
        ("Robert Smith", "Bob Smith", R.VARIANT),
        ("Małgorzata Nowak", "Gosia Nowak", R.VARIANT),
        ("Ann Archer", "A. Archer", R.VARIANT),
        ("Ann Archer", "Ann Mary Archer", R.VARIANT),
        ("Anna Müller", "Anna Müller-Schmidt", R.VARIANT),
        ("José García López", "Pepe García", R.VARIANT),
        ("Ann Archer", "Ann Arhcer", R.SIMILAR),
        ("Ann Archer", "Ann", R.PARTIAL),
        ("Anna Müller", "Anna Schmidt", R.GIVEN_ONLY),
        ("Hans Weber", "Heike Weber", R.SURNAME_ONLY),
        ("Ann Archer", "Bob Baker", R.DIFFERENT),
        ("Ann Archer", "", R.UNKNOWN),
        ("🌴", "Ann Archer", R.UNKNOWN),
    ],
)
def test_names_relate(first, second, expected):
    assert relation(first, second) is expected
    assert relation(second, first) is expected


def test_conflicts_are_seen_only_where_names_are_of_two_people():
    assert is_same_name("Ann Archer", "ARCHER Ann")
    assert is_same_name("Ann Archer", "")
    assert not is_same_name("Ann Archer", "Ann Baker")


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_breaks_the_comparison(first, second):
    assert relation(first, second) is relation(second, first)
    assert relation(first, first) in (R.EXACT, R.PARTIAL, R.UNKNOWN)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Ann@ACME.test", "ann@acme.test"),
        (" <ann+orders@acme.test> ", "ann@acme.test"),
        ("a.nn@gmail.com", "ann@gmail.com"),
        ("ann@googlemail.com", "ann@gmail.com"),
        ("a.nn@acme.test", "a.nn@acme.test"),
        ("ann@acme.test.invalid", "ann@acme.test"),
    ],
)
def test_spellings_of_one_mailbox_have_one_key(text, key):
    assert parse_address(text).key == key


@pytest.mark.parametrize("text", ["", "ann", "@acme.test", "ann@", "a@b@c", "ann archer@acme.test"])
def test_what_is_no_address_has_none(text):
    assert parse_address(text) is None


@given(st.text(max_size=300))
def test_no_text_breaks_the_parser(text):
    assert parse_address(text) is None or "@" in text


@pytest.mark.parametrize("mailbox", ["info", "no-reply", "sales.de", "support2", "team-berlin"])
def test_mailboxes_of_roles_belong_to_no_person(mailbox):
    assert is_role_mailbox(mailbox, "Ann Archer")


def test_a_person_may_be_called_like_a_role():
    assert not is_role_mailbox("dev.patel", "Dev Patel")
    assert not is_role_title("Dev Patel")
    assert is_role_title("Sales Team")


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [("archer", "archer", 0), ("archer", "arhcer", 1), ("archer", "acher", 1), ("abc", "xyz", 3)],
)
def test_slips_are_counted(first, second, distance):
    assert measure_distance(first, second) == distance
    assert is_misspelling(first, second) == (distance <= 1 and len(first) >= 4)
