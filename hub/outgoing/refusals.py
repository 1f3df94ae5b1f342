"""What other systems refused for good of the deliveries by one route: it says nothing of their connections."""

from typing import NamedTuple

from django.utils.translation import gettext as _

from hub.outgoing.explain import words_of
from hub.outgoing.models import Delivery, Route

LOOKED = 200  # of the newest deliveries by the route


class Refusals(NamedTuple):
    looked: int
    refused: int
    last: Delivery | None

    @property
    def sentence(self) -> str:
        names = {"refused": self.refused, "looked": self.looked}
        return _("%(refused)s of the last %(looked)s deliveries by this route were given up.") % names

    @property
    def why(self) -> str:
        """Of the last one, in words, with what the other system said."""
        if self.last is None:
            return ""
        words = words_of(self.last.reason, self.last.route.connector_key)
        return " ".join(filter(None, [words.sentence, self.last.detail]))


def refusals_of(route: Route) -> Refusals:
    """One statement, and another where something was refused."""
    newest = Delivery.unscoped.filter(route=route).order_by("-pk")
    rows = list(newest.values_list("pk", "state", "state_changed_at")[:LOOKED])
    refused = [(state_changed_at, pk) for pk, state, state_changed_at in rows if state == "failed"]
    last = newest.select_related("route", "event").get(pk=max(refused)[1]) if refused else None
    return Refusals(len(rows), len(refused), last)
