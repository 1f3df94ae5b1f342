"""The pages that the search finds by their name, or by keywords."""

from collections.abc import Iterator
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from hub.portal.navigation import SECTIONS, reverse_or_empty
from hub.portal.search.results import SearchResult
from tenants.access.tenant_users import TenantUser


class PageName(NamedTuple):
    label: str | Promise
    page: str  # the name of a URL
    words: str | Promise  # other words that lead there


INCOMING_EVENTS, FIELD_MAPPINGS = _("Incoming events"), _("Field mappings")
PAGE_NAMES = (
    *(PageName(section.label, section.page, "") for section in SECTIONS),
    PageName(_("Connect a system"), "portal:catalogue", _("add, integration, app, account")),
    PageName(INCOMING_EVENTS, "portal:incoming", _("received, inbox, rejected requests")),
    PageName(
        _("Webhook health"), "portal:webhooks", _("silent, failing, gaps, complete, registrations")
    ),
    PageName(_("Events"), "portal:events", _("deliveries, log, failed, held, retry")),
    PageName(FIELD_MAPPINGS, "portal:mappings", _("fields, translate, JSON, preview")),
    PageName(_("What changed"), "portal:changes", _("news, since, last visit")),
    PageName(_("Runs"), "portal:runs", _("jobs, night, schedule, progress")),
    PageName(_("Runs of the last day"), "portal:runs_night", _("night, last night")),
    PageName(_("Add a job"), "portal:job_add", _("schedule, report, reconciliation, sync")),
    PageName(_("Discrepancies"), "portal:discrepancies", _("differences, repair, reconciliation")),
    PageName(_("Log shipping"), "portal:log_shipping", _("logs, lines, Splunk")),
    PageName(_("Add an endpoint"), "portal:endpoint_add", _("webhook, URL, signing secret")),
    PageName(_("Members"), "people:members", _("people, team, invite, role, colleague")),
    PageName(_("Connect links"), "connections:links", _("link, invite, send")),
    PageName(_("API documentation"), "api_docs:introduction", _("reference, developer, key, docs")),
    PageName(_("Settings"), "portal:settings", _("notifications, e-mail, mails, time zone")),
)


def find_pages(tenant_user: TenantUser, term: str) -> Iterator[SearchResult]:
    """Yield the pages for which each word of the term begins a word of the name or the keywords."""
    page_urls: set[str] = set()
    for name in PAGE_NAMES:
        arguments = () if name.page.startswith("api_docs:") else (tenant_user.tenant.reference,)
        url = reverse_or_empty(name.page, *arguments)
        if url and url not in page_urls and _has_words(f"{name.label}, {name.words}", term):
            page_urls.add(url)
            yield SearchResult(str(name.label), url)


def _has_words(text: str, term: str) -> bool:
    words = text.casefold().replace(",", " ").split()
    return all(any(word.startswith(part) for word in words) for part in term.casefold().split())
