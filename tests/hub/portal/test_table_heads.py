"""The heads of tables, which one tag renders."""

from django.template import Context, Template
from django.utils import translation

HEAD = '{% load portal %}{% columns _("State") _("Deliveries") figures="2" %}'


def test_the_head_of_a_table_is_translated_and_marks_the_columns_of_figures():
    with translation.override("de"):
        head = Template(HEAD).render(Context())
    columns = '<th scope="col">Zustand</th><th scope="col" class="figure">Zustellungen</th>'
    assert head == f"<thead><tr>{columns}</tr></thead>"
