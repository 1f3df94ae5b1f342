"""Addresses of events and deliveries."""

EVENTS, DELIVERIES = "/api/v1/events", "/api/v1/deliveries"


def delivery_url(delivery, verb=""):
    return f"{DELIVERIES}/{delivery.public_id}{verb and '/'}{verb}"
