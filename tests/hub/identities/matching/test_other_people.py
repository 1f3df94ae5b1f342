"""Suggestions are right for people whose directories nobody built for the matcher."""

import pytest

from connectors.directories import Person
from hub.identities.matching import match_people
from tests.hub.identities.matching.other_people import build_people

pytestmark = pytest.mark.corrections(item="1.23")


@pytest.mark.parametrize("seed", [401, 8_112, 77_031])
def test_suggested_pairs_of_other_people_are_right(seed):
    people = build_people(600, seed)
    suggested = {
        entry.local_id: entry.candidates[0].remote_id
        for entry in match_people(people.local, people.remote)
        if entry.state == "suggested"
    }
    right = sum(people.pairs.get(local) == remote for local, remote in suggested.items())
    assert right / len(suggested) >= 0.99
    assert right / len(people.pairs) >= 0.8


@pytest.mark.parametrize(
    "account",
    [
        Person("a", "Zeynep Wozniak", "zeynep.wozniak@nordwind.de"),
        Person("a", "Zeynep Wozniak", "zw@nordwind.de", login="zwozniak"),
        Person("a", "Wozniak, Zeynep", "z.w@nordwind.de"),
    ],
)
def test_a_namesake_at_another_company_is_left_to_a_person(account):
    user = Person("u", "Zeynep Wozniak", "zwozniak@quillandsons.com")
    (suggestion,) = match_people([user], [account])
    assert (suggestion.state, suggestion.reason) == ("ambiguous", "other_company")


def test_the_name_is_enough_for_an_account_without_an_address_of_a_company():
    user = Person("u", "Zeynep Wozniak", "zwozniak@quillandsons.com")
    for email in ("", "zeynep@gmail.com", "wozniak@quillandsons.com"):
        (suggestion,) = match_people([user], [Person("a", "Zeynep Wozniak", email)])
        assert suggestion.state == "suggested"
