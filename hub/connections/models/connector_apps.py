"""Our own registration at an external system."""

from collections.abc import Mapping
from typing import Any

from django.db import models

from connectors.oauth import OAuth
from connectors.registry import CONNECTORS
from connectors.schema import Environment
from hub.connections.models.connections import validate_connector_key
from hub.crypto.sealed import CannotOpen, SealedField, seal


class ConnectorApp(models.Model):
    """Our own registration at one external system, for all tenants, with the system's base URLs."""

    connector_key = models.CharField(
        max_length=40, unique=True, validators=[validate_connector_key]
    )
    urls = models.JSONField(
        default=dict, blank=True, help_text="Base URLs that differ from the connector's own."
    )
    hosts = models.JSONField(
        default=list, blank=True, help_text="Host patterns that an answer may name."
    )
    sealed = SealedField(null=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.connector_key

    @property
    def binding(self) -> str:
        return f"connector_app:{self.connector_key}"

    @property
    def is_set_up(self) -> bool:
        """Whether client id and secret are filled in, so that people can be sent to the system."""
        try:
            document = self.open()
        except CannotOpen:
            return False
        return all(document.get(key) for key in CONNECTORS[self.connector_key].client_fields)

    @property
    def bases(self) -> dict[str, str]:
        """The connector's base URLs, overridden by those that staff entered."""
        return {**CONNECTORS[self.connector_key].urls, **self.urls}

    @property
    def environments(self) -> tuple[Environment, ...]:
        """The environments of the system to which people may be sent."""
        connector = CONNECTORS[self.connector_key]
        return (
            connector.allowed_environments(self.bases, tuple(self.hosts))
            if isinstance(connector, OAuth)
            else ()
        )

    @property
    def has_login_hosts(self) -> bool:
        """Whether people may be sent to a login host of their own company."""
        connector = CONNECTORS[self.connector_key]
        return isinstance(connector, OAuth) and connector.allows_own_login_hosts(
            self.bases, tuple(self.hosts)
        )

    @classmethod
    def list_configured_connector_keys(cls) -> set[str]:
        """Return the keys of the connectors that tenants can use, in one query."""
        apps = {app.connector_key: app for app in cls.objects.filter(connector_key__in=CONNECTORS)}
        return {
            key
            for key, connector in CONNECTORS.items()
            if not connector.is_for_platform
            and (not connector.client_fields or (key in apps and apps[key].is_set_up))
        }

    def open(self) -> dict[str, Any]:
        return self.sealed.open(self.binding) if self.sealed else {}

    def seal(self, document: Mapping[str, Any]) -> None:
        self.sealed = seal(document, self.binding)
