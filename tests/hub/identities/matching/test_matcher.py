"""Precision before recall: what is suggested, and what a person has to decide."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.identities.directories import build_directories
from bench.identities.scores import score_suggestions
from connectors.directories import Person
from hub.identities.matching import match_people


def ours(name="", email="", login="", id="u1", **fields):
    return Person(id, name, email, login, **fields)


def theirs(name="", email="", login="", id="U1", **fields):
    return Person(id, name, email, login, **fields)


def match(local, remote, **decided):
    """Return state, reason and the best candidate of each of our people."""
    local = local if isinstance(local, list) else [local]
    remote = remote if isinstance(remote, list) else [remote]
    return {
        found.local_id: (
            found.state,
            found.reason,
            found.candidates[0].remote_id if found.candidates else "",
        )
        for found in match_people(local, remote, **decided)
    }


ANN = ours("Ann Archer", "ann@acme.test")
MUELLER = "anna.mueller@x.test"
SUGGESTED = [
    ("email", ANN, theirs("Ann Archer", "ANN@acme.test")),
    ("email", ANN, theirs("", "ann+chat@acme.test")),
    ("email", ours("", "a.nn@gmail.com"), theirs("Ann", "ann@googlemail.com")),
    ("alias", ours("Ann Archer", aliases=("ann@acme.test",)), theirs("Ann", "ann@acme.test")),
    ("email_renamed", ours("Anna Müller", MUELLER), theirs("Anna Bishop", MUELLER)),
    ("login", ours("Ann Archer", login="aarcher"), theirs("Ann Archer", login="AArcher")),
    ("mailbox_login", ours("Bob Smith", login="bsmith"), theirs("Robert Smith", "bsmith@x.test")),
    ("login_renamed", ours("Anna Müller", "", "amueller"), theirs("Anna Bishop", "", "amueller")),
    ("login", ours("", login="e104233"), theirs("Ann Archer", login="e104233")),
    ("name", ours("Zbigniew Źdźbłowski"), theirs("Zdzblowski, Zbigniew")),
]


@pytest.mark.parametrize(("reason", "local", "remote"), SUGGESTED)
def test_what_is_clear_is_suggested(reason, local, remote):
    assert match(local, remote) == {"u1": ("suggested", reason, "U1")}


DOUBTFUL = [
    (
        "name_differs",
        ours("Hans Weber", "h.weber@x.test"),
        theirs("Heike Weber", "h.weber@x.test"),
    ),
    (
        "name_differs",
        ours("Anna Müller", "anna@x.test"),
        theirs("Anna Bishop", "anna@x.test"),
    ),
    (
        "name_differs",
        ours("Ann Archer", login="boss"),
        theirs("Bob Baker", login="boss"),
    ),
    (
        "shared_mailbox",
        ours("Ann Archer", "info@x.test"),
        theirs("Bob Baker", "info@x.test"),
    ),
    (
        "shared_mailbox",
        ours("Ann Archer", "sales@x.test"),
        theirs("Sales Team", "sales@x.test"),
    ),
    ("deactivated", ANN, theirs("Ann Archer", "ann@acme.test", is_active=False)),
    ("similar_name", ours("Ann Archer"), theirs("Ann Arhcer")),
    ("weak", ours("", login="boss"), theirs("Ann Archer", login="boss")),
]


@pytest.mark.parametrize(("reason", "local", "remote"), DOUBTFUL)
def test_what_is_doubtful_is_left_to_a_person(reason, local, remote):
    assert match(local, remote) == {"u1": ("ambiguous", reason, "U1")}


def test_two_candidates_are_ambiguous():
    twins = [theirs("Ann Archer"), theirs("Ann Archer", id="U2")]
    assert match(ours("Ann Archer"), twins) == {"u1": ("ambiguous", "two_candidates", "U1")}


def test_two_of_ours_with_one_of_theirs_are_a_conflict():
    pair = [ANN, ours("Ann Archer", "ann@acme.test", id="u2")]
    states = match(pair, theirs("Ann Archer", "ann@acme.test"))
    assert {state for state, _, _ in states.values()} == {"ambiguous"}


def test_the_account_that_is_used_is_suggested_before_a_deactivated_one():
    accounts = [
        theirs("Ann Archer", "ann@acme.test", is_active=False),
        theirs("Ann Archer", "ann@acme.test", id="U2"),
    ]
    assert match(ANN, accounts) == {"u1": ("suggested", "email", "U2")}


def test_a_shared_mailbox_does_not_hide_a_unique_name():
    local = ours("Zbigniew Źdźbłowski", "info@x.test")
    remote = [
        theirs("Zbigniew Zdzblowski", "info@x.test"),
        theirs("Bob", "info@x.test", id="U2"),
    ]
    assert match(local, remote)["u1"] == ("suggested", "name", "U1")


def test_an_address_that_several_people_have_is_shared_whatever_it_is_called():
    local = [
        ours("Ann Archer", "kiosk7@x.test"),
        ours("Bob Baker", "kiosk7@x.test", id="u2"),
    ]
    assert match(local, theirs("Cat Cole", "kiosk7@x.test"))["u1"][1] == "shared_mailbox"


def test_domains_of_one_company_have_to_be_proven():
    names = ["Ann Archer", "Bob Baker", "Cat Cole", "Dan Dole"]

    def people(kind, prefix, domain, some):
        return [
            kind(name, f"{name.split()[0].lower()}@{domain}", id=f"{prefix}{number}")
            for number, name in enumerate(some)
        ]

    hidden = (
        ours("Eve", "eve@new.test", id="u9"),
        theirs("Eve", "eve@old.test", id="U9"),
    )
    for count, expected in ((2, "unmatched"), (4, "suggested")):
        local = [*people(ours, "u", "new.test", names[:count]), hidden[0]]
        remote = [*people(theirs, "U", "old.test", names[:count]), hidden[1]]
        assert match(local, remote)["u9"][0] == expected


def test_decisions_of_people_are_taken_for_granted():
    remote = [theirs("Ann Archer", "ann@acme.test"), theirs("Ann B. Archer", id="U2")]
    assert match(ANN, remote, confirmed={"u1": "U2"}) == {}
    assert match(ANN, remote, ignored={"u1"}) == {}
    assert match(ANN, remote, confirmed={"u9": "U1"})["u1"][2] != "U1"


RARE = "Zbigniew Zdzblowski"
PAIRED_RIVALS = [
    # their address, their login or their name is that of someone who is paired with another
    ([theirs("Ann Archer", "ann@acme.test"), theirs("Ann Archer", id="U2")], "U2"),
    ([theirs("Ann Archer", login="aarcher"), theirs("Ann Archer", id="U2")], "U2"),
    ([theirs("Ann Archer"), theirs("Ann Archer", id="U2")], "U2"),
    ([theirs("Ann Archer"), theirs("Ann B. Archer", id="U2")], "U2"),
    (
        [
            theirs("Ann Archer", "ann@acme.test"),
            theirs("Ann Archer", "ann+chat@acme.test", id="U2"),
        ],
        "U2",
    ),
]


@pytest.mark.parametrize(("remote", "second"), PAIRED_RIVALS)
def test_the_second_best_is_not_suggested_because_the_best_is_paired(remote, second):
    local = [
        ours("Ann Archer", "ann@acme.test", "aarcher"),
        ours("Bob Baker", id="u9"),
    ]
    matches = match(local, remote, confirmed={"u9": "U1"})
    assert matches == {"u1": ("ambiguous", "best_is_paired", second)}


def test_whose_only_match_is_paired_is_unmatched_with_the_reason():
    local = [ANN, ours("Bob Baker", id="u9")]
    matches = match(local, theirs("Ann Archer", "ann@acme.test"), confirmed={"u9": "U1"})
    assert matches == {"u1": ("unmatched", "best_is_paired", "")}


def test_who_fits_a_paired_one_of_ours_better_is_not_suggested_either():
    local = [ours(RARE, "z@acme.test", id="u9"), ours(RARE)]
    remote = [theirs("Bob Baker"), theirs(RARE, "z@acme.test", id="U2")]
    assert match(local, remote, confirmed={"u9": "U1"})["u1"] == (
        *("ambiguous", "best_is_paired", "U2"),
    )


@pytest.mark.parametrize(
    "rival",
    [
        theirs("Ann Archer", "ann@acme.test", is_active=False),  # an account that is not used
        theirs("Ann Bishop", "other@acme.test"),
        theirs("Ann Arhcer"),
    ],
)
def test_a_weaker_one_who_is_paired_prevents_nothing(rival):
    remote = [rival, theirs("Ann Archer", "ann@acme.test", id="U2")]
    local = [ANN, ours("Bob Baker", id="u9")]
    assert match(local, remote, confirmed={"u9": "U1"})["u1"] == ("suggested", "email", "U2")


def test_people_who_left_are_not_asked_about():
    assert match(ours("Ann Archer", "ann@acme.test", is_active=False), theirs()) == {}


def test_a_namesake_on_one_side_only_is_no_match_of_a_common_name():
    surnames = ["Schmidt"] * 60 + [f"Name{chr(97 + n)}x" for n in range(20)]
    local = [ours(f"Thomas {name}", f"t{n}@x.test", id=f"u{n}") for n, name in enumerate(surnames)]
    local.append(ours("Thomas Schmidt", id="v"))
    remote = [theirs("Thomas Schmidt", "other@y.test")]
    assert match(local, remote)["v"][0] == "ambiguous"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_realistic_directories_are_matched_precisely(seed):
    directories = build_directories(400, seed)
    matches = match_people(directories.local, directories.remote)
    suggested = {
        entry.local_id: entry.candidates[0].remote_id
        for entry in matches
        if entry.state == "suggested"
    }
    score = score_suggestions(directories, suggested, {})
    assert score.precision >= 0.99
    assert score.recall >= 0.9


def test_the_order_of_the_lists_makes_no_difference():
    directories = build_directories(150, 4)
    expected = match_people(directories.local, directories.remote)
    random.Random(1).shuffle(directories.local)
    random.Random(2).shuffle(directories.remote)
    assert match_people(directories.local, directories.remote) == expected


texts = st.text(alphabet="ab .@+-é0", max_size=8)
people = st.builds(Person, st.text("xyz", min_size=1, max_size=2), texts, texts, texts)


@given(st.lists(people, max_size=6, unique_by=id), st.lists(people, max_size=6, unique_by=id))
@settings(max_examples=60)
def test_each_person_is_suggested_once(local, remote):
    local = list({person.id: person for person in local}.values())
    remote = list({person.id: person for person in remote}.values())
    matches = match_people(local, remote)
    chosen = [entry.candidates[0].remote_id for entry in matches if entry.state == "suggested"]
    assert len(chosen) == len(set(chosen))
    assert {entry.local_id for entry in matches} == {person.id for person in local}


def test_a_thousand_people_with_one_login_take_no_time():
    local = [ours(f"Ann {n}", login="admin", id=f"u{n}") for n in range(1_000)]
    remote = [theirs(f"Ann {n}", login="admin", id=f"U{n}") for n in range(1_000)]
    assert {state for state, _, _ in match(local, remote).values()} <= {"unmatched", "ambiguous"}
