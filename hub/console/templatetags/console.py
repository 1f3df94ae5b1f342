"""How states, moments and numbers look, for templates."""

from django import template

from hub import staff

register = template.Library()

register.filter("badge", staff.badge)
register.filter("moment", lambda at: staff.moment(at))
register.filter("moments", staff.moments)
register.filter("page_link", staff.page_link)
register.filter("number", lambda value: staff.number(value))
