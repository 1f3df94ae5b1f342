"""How states, moments and numbers look, for templates."""

from django import template

from hub.connections import stands as connection_stands
from hub.connections.models import Connection
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


@register.filter
def connection_state(connection: Connection) -> str:
    """The state as people read it. Reads the lane of the connection."""
    return connection_stands.shown_state(connection)
