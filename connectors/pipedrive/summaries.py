"""Pipedrive: number and total value of deals, computed by Pipedrive.

https://developers.pipedrive.com/docs/api/v1/Deals#getDealsSummary (2026-11): a v1 resource without
a successor in v2. It takes no period; a filter that is defined in the company's account can limit
it to one.
"""

from datetime import datetime
from urllib.parse import urlencode

from connectors.http import Request, Response, Unreadable
from connectors.i18n import _
from connectors.outcomes import Outcome, raises_unreadable
from connectors.pipedrive.actions import base_url, build_token_costs
from connectors.pipedrive.errors import find_rejection
from connectors.report_sources import StatusFigures
from connectors.roles import Collection, Page
from connectors.schema import Credential

DEAL_STATUSES = ("open", "won", "lost")
NUMBER_PARAMETERS = ("filter_id", "user_id", "pipeline_id", "stage_id")
# tokens; what is documented for lists of v1 and for searches, as its own cost is not stated
SUMMARY_COST_TOKENS = 40


class DealsSummary(Collection):
    key = "deals_summary"
    label = "Summary of deals"
    help = "Parameters: status (open, won or lost), filter_id, user_id, pipeline_id, stage_id."
    example = {"status": "won"}
    has_ids = False

    def page_request(
        self, credential: Credential, *, at: datetime, cursor: str = "", **query: str
    ) -> Request:
        """Build the request. Raises ValueError with a text if a parameter is invalid."""
        query.pop("page_size", None)
        parameters = urlencode(check_parameters(query))
        return Request(
            "GET",
            f"{base_url(credential)}/api/v1/deals/summary{'?' if parameters else ''}{parameters}",
            bearer=credential.access_token,
            spends=build_token_costs(SUMMARY_COST_TOKENS),
        )

    @raises_unreadable
    def parse_page(self, response: Response) -> Page | Outcome:
        """Parse one record for each currency: `currency`, `count`, `value`. Raises Unreadable."""
        if rejection := find_rejection(response):
            return rejection
        totals = response.json()["data"]["values_total"]
        if not totals:  # an empty list where there is no deal
            return Page(())
        if not isinstance(totals, dict):
            raise Unreadable("values_total is not an object of currencies")
        return Page(
            [
                {"currency": str(currency), "count": total["count"], "value": total["value"]}
                for currency, total in sorted(totals.items())
            ]
        )


class DealFigures(StatusFigures):
    """Deals by status. The summary takes no period; a filter of the company may have one."""

    kind = "pipedrive_summary"
    label = _("Deals in Pipedrive")
    records_label = _("Deals")
    collection = DealsSummary.key
    statuses = DEAL_STATUSES
    filter_names = ("filter_id", "pipeline_id")


def check_parameters(query: dict[str, str]) -> dict[str, str]:
    """Return the parameters. Raises ValueError, with a text for the user, for an invalid one."""
    for name, value in query.items():
        is_valid = (
            value in DEAL_STATUSES
            if name == "status"
            else name in NUMBER_PARAMETERS and value.isdecimal()
        )
        if not is_valid or not value.isascii():
            raise ValueError(f"{name[:40]} cannot be {value[:40]!r}")
    return query
