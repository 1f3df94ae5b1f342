"""Put answers into the templates of a recipe: `{{key}}` is replaced by the answer to a question."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from hub.recipes.definitions.recipe import Answer

PLACEHOLDER = re.compile(r"\{\{([a-z][a-z0-9_]*)\}\}")
Answers = Mapping[str, Answer]


def fill_expressions(node: Any, answers: Answers) -> Any:
    """Return a mapping or filter with each answer as a literal of the expression."""
    if isinstance(node, str):
        return PLACEHOLDER.sub(lambda match: quote_literal(answers[match[1]]), node)
    return _fill_children(node, answers, fill_expressions)


def fill_values(node: Any, answers: Answers) -> Any:
    """Return options in which a text that is a placeholder is replaced by its answer's value."""
    if isinstance(node, str):
        if whole := PLACEHOLDER.fullmatch(node):
            return answers[whole[1]]
        return PLACEHOLDER.sub(lambda match: str(answers[match[1]]), node)
    return _fill_children(node, answers, fill_values)


def _fill_children(node: Any, answers: Answers, fill: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: fill(value, answers) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [fill(value, answers) for value in node]
    return node


def quote_literal(answer: Answer) -> str:
    """Return the answer as a literal of an expression, escaped so that no text can end it."""
    if isinstance(answer, str) and not {"'", "\\"} & set(answer):
        return f"'{answer}'"
    return "`" + json.dumps(answer).replace("`", "\\u0060") + "`"


def list_placeholders(node: Any) -> Iterator[str]:
    """Yield the keys of the placeholders in a template."""
    if isinstance(node, str):
        yield from PLACEHOLDER.findall(node)
    elif isinstance(node, Mapping):
        for value in node.values():
            yield from list_placeholders(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from list_placeholders(value)
