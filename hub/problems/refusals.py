"""Refusals: why something that a person or program asked for was not done.

A service function raises one and changes nothing. Each door translates them all in one place: REST
in `hub.problems.responses`, staff in `hub.staff.row_actions`, pages of customers with
`show_refusal`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import BaseForm
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Refusal(Exception):
    """The base of all refusals; its text is a sentence for who asked, with the next step.

    `code` is the REST problem, a key of CATALOGUE, whose explanation replaces a missing sentence.
    """

    code = "wrong-state"
    sentence: str | Promise = _(
        "The state has changed in the meantime, so nothing was changed. Reload the page."
    )
    field = ""  # the input that is wrong
    wait: float | None = None  # seconds, after which it may be possible

    def __init__(self, sentence: str | Promise = "", *, field: str = "") -> None:
        super().__init__(sentence)
        if sentence:
            self.sentence = sentence
        if field:
            self.field = field

    def __str__(self) -> str:
        return str(self.sentence)

    def list_errors(self) -> list[dict[str, str]]:
        """List the wrong inputs with their JSON pointers."""
        if not self.field:
            return []
        return [{"pointer": f"/{self.field}", "detail": str(self), "code": "invalid"}]


def as_refusal(error: Refusal | ValidationError) -> Refusal:
    """Return a refusal as it is, and that of values that a service function found invalid."""
    return error if isinstance(error, Refusal) else Refusal(" ".join(error.messages))


@contextmanager
def show_refusal(
    request: HttpRequest, form: BaseForm | None = None, field_names: Mapping[str, str] = {}
) -> Iterator[None]:
    """End the block at a refusal, and show it: as an error of the form, or as a warning.

    `field_names`: the form's names of inputs that the refusal calls otherwise.
    """
    try:
        yield
    except (Refusal, ValidationError) as error:
        refusal = as_refusal(error)
        if form is None:
            messages.warning(request, str(refusal))
        else:
            field = field_names.get(refusal.field, refusal.field)
            form.add_error(field if field in form.fields else None, str(refusal))
