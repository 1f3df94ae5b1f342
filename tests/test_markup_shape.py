"""Which pages of a walk are looked at."""

import pytest

from tests.markup_shape import choose_widest_of_each_shape

PAGE = '<main id="row-7"><a href="/7/" class="button">Pause Warehouse</a></main>'


@pytest.mark.parametrize(
    "other",
    [
        PAGE.replace("button", "link"),
        PAGE.replace("Pause Warehouse", ""),
        PAGE.replace("/7/", ""),
        PAGE.replace("main", "div"),
        PAGE.replace("<a ", '<a aria-label="Pause" '),
        PAGE.replace("</main>", "<br></main>"),
    ],
)
def test_a_page_of_another_shape_is_looked_at(other):
    assert choose_widest_of_each_shape({"/1/": PAGE, "/2/": other}) == ["/1/", "/2/"]


def test_of_pages_that_differ_by_words_and_ids_that_with_the_longest_word_is_looked_at():
    longer = PAGE.replace("7", "8").replace("Warehouse", "Accountingdepartment")
    pages = {"/1/": PAGE, "/2/": longer, "/3/": PAGE.replace("7", "9")}
    assert choose_widest_of_each_shape(pages) == ["/2/"]
