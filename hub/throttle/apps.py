from django.apps import AppConfig


class ThrottleConfig(AppConfig):
    name = "hub.throttle"
    label = "throttle"
