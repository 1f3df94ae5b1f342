"""The role of a connector in reports: what can be counted in its system, and how it is asked."""

from collections.abc import Mapping, Sequence
from typing import Any


class ReportSource:
    """What a report reads from a system."""

    kind: str  # of the query in the options of a job
    label: str
    collection: str  # the key of the one that is read


class RecordFigures(ReportSource):
    """Counts and sums of one object's records, for each part of a period or for each group."""

    # what is read unless the options say otherwise: the number of records, and the sum of a field
    object: str
    time_field: str
    value_field: str
    parameter_names: frozenset[str]  # of the collection; any other parameter is a field

    def build_parameters(
        self,
        measures: Sequence[tuple[str, str]],
        *,
        object: str,
        time_field: str,
        since: str,
        until: str,
        group_by: str,
    ) -> Mapping[str, str]:
        """Build the parameters of a read; a measure is a function and a field ("" to count)."""
        raise NotImplementedError

    def parse_measures(self, record: Mapping[str, Any], count: int) -> Sequence[Any]:
        """Return the values of the measures, in their order."""
        raise NotImplementedError

    def parse_group(self, record: Mapping[str, Any], group_by: str) -> Any:
        """Return the value by which the records are grouped."""
        raise NotImplementedError


class StatusFigures(ReportSource):
    """The present number of records with each status, and their value in each currency.

    The collection takes the parameter `status`; its records are `currency`, `count`, `value`.
    """

    records_label: str
    statuses: tuple[str, ...]
    filter_names: tuple[str, ...]  # further parameters, which are numbers
