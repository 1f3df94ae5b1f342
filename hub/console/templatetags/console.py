"""How states, moments and numbers look, for templates."""

from django import template

from hub.outgoing.explain import shown
from hub.outgoing.models import Delivery
from hub.staff.shows import badge, moment, moments, number, page_link

register = template.Library()

for show in (badge, moment, moments, number, page_link):
    register.filter(show.__name__, show)


@register.filter
def shown_state(delivery: Delivery) -> str:
    """The state as people read it. Reads tenant, route, connection and lane of the delivery."""
    return shown(delivery).state
