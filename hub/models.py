"""The rows of the hub itself."""

from hub.secrets import KeyCanary

__all__ = ["KeyCanary"]
