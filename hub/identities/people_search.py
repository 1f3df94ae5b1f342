"""Search for people by their id, or the beginning of their name or e-mail address, ignoring case.

Each condition uses an index on both databases: the first letters of names and addresses are
indexed, and the rows with these letters are compared with the whole term.
"""

from typing import Any

from django.db.models import CharField, F, Q, QuerySet, Value
from django.db.models.functions import Lower, Substr
from django.db.models.lookups import Exact

LETTERS = 3  # that are indexed; a shorter term is compared with ids only
RESULTS_MAX = 200  # of each condition
SEARCHED_COLUMNS = ("name", "email")


def build_letters(column: str) -> Lower:
    """Return the expression that is indexed: the first letters, in lower case."""
    return Lower(Substr(F(column), 1, LETTERS))


def find_people(people: QuerySet[Any], id_column: str, term: str) -> set[int]:
    """Return the keys of people whose id is the term, or whose name or address begins with it.

    At most RESULTS_MAX of each. Three queries.
    """
    conditions = [Q(**{id_column: term})]
    if len(term) >= LETTERS:
        conditions += [_match_beginning(column, term) for column in SEARCHED_COLUMNS]
    rows = people.order_by()
    return {
        key
        for condition in conditions
        for key in rows.filter(condition).values_list("pk", flat=True)[:RESULTS_MAX]
    }


def _match_beginning(column: str, term: str) -> Q:
    letters = Lower(Value(term[:LETTERS], output_field=CharField()))
    return Q(Exact(build_letters(column), letters)) & Q(**{f"{column}__istartswith": term})
