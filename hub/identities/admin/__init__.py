"""The staff pages of people, and of the reads of their lists."""

from hub.identities.admin.people import DirectoryEntryAdmin, LocalUserAdmin
from hub.identities.admin.reads import DirectoryReadAdmin

__all__ = ["DirectoryEntryAdmin", "DirectoryReadAdmin", "LocalUserAdmin"]
