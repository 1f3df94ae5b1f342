"""Every recipe of the catalogue can work; a file that cannot is named with what is wrong."""

from dataclasses import replace

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.utils import translation

from hub.recipes.definitions import RECIPES
from hub.recipes.definitions.loading import RecipeUnreadable, load_recipes
from hub.recipes.definitions.placeholders import fill_expressions, fill_values
from hub.recipes.definitions.recipe import Question
from hub.recipes.definitions.recipe_checks import find_recipe_problems

RECIPE = RECIPES["order_to_slack"]
WEEKLY = RECIPES["weekly_sales_to_slack"]


@pytest.mark.parametrize("key", RECIPES)
def test_the_recipe_can_work(key):
    assert find_recipe_problems(RECIPES[key]) == []


@pytest.mark.parametrize("key", RECIPES)
def test_its_title_is_translated(key):
    for language in (code for code, _label in settings.LANGUAGES if code != "en"):
        with translation.override(language):
            assert RECIPES[key].title != RECIPES[key].marked_title


def test_the_check_runs_at_startup():
    assert not [error for error in run_checks() if error.id == "recipes.E001"]


def with_route(**changes):
    return replace(RECIPE, routes=(replace(RECIPE.routes[0], **changes),))


def with_job(**changes):
    return replace(WEEKLY, jobs=(replace(WEEKLY.jobs[0], **changes),))


@pytest.mark.parametrize(
    ("recipe", "problem"),
    [
        (replace(RECIPE, version=0), "its version is not a number from 1 on"),
        (replace(RECIPE, key="Order"), "'Order' is not a key"),
        (replace(RECIPE, routes=()), "it makes nothing"),
        (replace(RECIPE, routes=RECIPE.routes * 2), "two parts have the same key"),
        (replace(RECIPE, connectors=()), "connectors lacks slack"),
        (replace(RECIPE, connectors=("slack", "sap")), "there is no connector sap"),
        (replace(RECIPE, permissions={}), "permissions of slack lack chat:write"),
        (
            replace(RECIPE, permissions={"slack": ("chat:write", "admin")}),
            "slack does not request the permission admin",
        ),
        (replace(RECIPE, own_questions=()), "{{channel}} is no question"),
        (
            replace(RECIPE, own_questions=(*RECIPE.own_questions, Question("x", "text", "X"))),
            "the answer to x is not used",
        ),
        (with_route(event_type="Order Created"), "message: An event type"),
        (with_route(action="shout"), "message: This connector has no such action."),
        (with_route(origin="slack"), "message: slack sends no order.created"),
        (with_job(cron="0 {{hour}} * * 9{{weekday}}"), "report: cron: "),
        (with_job(options={"period": "{{channel}}"}), "report: options.period: "),
    ],
)
def test_what_cannot_work_is_named(recipe, problem):
    assert any(found.startswith(problem) for found in find_recipe_problems(recipe))


def test_a_filter_that_does_not_compile_is_named():
    (problem,) = find_recipe_problems(with_route(filter="data.total >"))
    assert problem.startswith("message: its filter ")


@pytest.mark.parametrize(
    "text",
    [
        "key = ",
        "key = 'one'",
        "key = 'other'\nversion = 1\ntitle = 'T'\nsummary = 'S'\nconnectors = []",
        "key = 'one'\nversion = 1\ntitle = 'T'\nsummary = 'S'\nconnectors = []\ncolour = 'red'",
    ],
)
def test_a_file_that_is_no_recipe_is_named(tmp_path, text):
    (tmp_path / "one.toml").write_text(text)
    with pytest.raises(RecipeUnreadable, match="one.toml"):
        load_recipes(tmp_path)


def test_an_answer_alone_keeps_its_type_in_options():
    template = {"hour": "{{hour}}", "cron": "0 {{hour}} * * *", "list": ["{{hour}}"]}
    assert fill_values(template, {"hour": 9}) == {"hour": 9, "cron": "0 9 * * *", "list": [9]}


def test_an_answer_is_a_literal_in_expressions():
    assert fill_expressions("a == {{a}}", {"a": "x"}) == "a == 'x'"
    assert fill_expressions("a == {{a}}", {"a": 7}) == "a == `7`"
    assert fill_expressions("{{a}}", {"a": "it's `"}) == '`"it\'s \\u0060"`'
