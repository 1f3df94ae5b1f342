"""Open the form for the options of a job."""

from collections.abc import Mapping
from typing import Any

from connectors.registry import CONNECTORS
from hub.scheduled.forms.options.kinds import (
    ReportOptionForm,
    ShippingOptionForm,
    SyncOptionForm,
)
from hub.scheduled.forms.options.option_form import PRESENCE_PARAMETER, OptionForm
from hub.scheduled.forms.options.reconcile import ReconcileOptionForm
from hub.scheduled.models import Job

FORMS: Mapping[str, type[OptionForm]] = {
    Job.Kind.RECONCILE: ReconcileOptionForm,
    Job.Kind.REPORT: ReportOptionForm,
    Job.Kind.SHIP: ShippingOptionForm,
    Job.Kind.SYNC: SyncOptionForm,
}


def open_option_form(
    kind: str, connector_key: str, options: Mapping[str, Any], data: Mapping[str, Any] | None
) -> OptionForm | None:
    """Return the form of a kind for a system; None if either is unknown.

    It is bound only if the data come from a page that shows it.
    """
    if kind not in FORMS or connector_key not in CONNECTORS:
        return None
    is_shown = data is not None and PRESENCE_PARAMETER in data
    return FORMS[kind](data if is_shown else None, options=options, connector_key=connector_key)
