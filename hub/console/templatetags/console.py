"""How states, moments and numbers look, for templates."""

from django import template

from hub.staff.shows import badge, moment, moments, number, page_link

register = template.Library()

for show in (badge, moment, moments, number, page_link):
    register.filter(show.__name__, show)
