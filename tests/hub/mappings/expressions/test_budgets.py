"""Expressions that explode: each ends by its budget, or its result is too large to be kept."""

import pytest

from hub.mappings.expressions.budget import ExpressionRefused
from hub.mappings.expressions.output import Output
from tests.hub.mappings.expressions.test_expressions import evaluate, piped

NESTED = piped("[@,@]", 30)
BOMBS = {
    "flattened 18 times": piped("[@,@][]", 18),
    "flattened 60 times": piped("[@,@][]", 60),
    "compared": f"({NESTED}) == ({NESTED})",
    "searched": f"contains({NESTED}, {NESTED})",
    "written": f"to_string({NESTED})",
    "joined": f"['{'a' * 100}']|" + piped("[join('',[@[0],@[0],@[0]])]", 12),
    "doubled": f"'{'a' * 100}'|{piped('concat(@,@)', 30)}",
    "replaced": "'aaaaaaaaaa'|" + piped("replace(@,'a',@)", 25),
    "mapped": f"[{','.join('@' * 99)}]|" + piped("map(&[@,@,@],@)[][]", 12),
    "split": f"'{'a' * 100}'|" + piped("concat(@,@,@,@)", 5) + "|split(@,'a')",
    "sorted": f"[{','.join('@' * 99)}]|" + piped("[@,@,@][]", 8) + "|sort_by(@,&type(@))",
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
def test_a_bomb_ends_by_its_budget(text):
    with pytest.raises(ExpressionRefused, match="takes more than 30000 steps to evaluate"):
        evaluate(text, {"id": 1})


@pytest.mark.parametrize("times", [18, 22, 60])
def test_a_result_that_is_the_same_few_lists_over_and_over_is_too_large(times):
    result = evaluate(piped("[@,@]", times), {"id": 1})
    with pytest.raises(ExpressionRefused, match=r"larger than 256 KiB|deeper than 64 levels"):
        Output().copy_plain(result)


def test_a_number_cannot_be_squared_for_ever():
    with pytest.raises(ExpressionRefused, match="too large"):
        evaluate("`99999999`|" + piped("multiply(@,@)", 30))
