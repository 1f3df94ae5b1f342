from django.apps import AppConfig


class ScheduledConfig(AppConfig):
    name = "hub.scheduled"
    label = "scheduled"
