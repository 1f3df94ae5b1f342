"""Convert the body of a field mapping to rows of a table and back, without loss.

A row is one leaf of the body: `field_paths` is about its path, `row_values` about its value.
`body_rows` converts whole bodies, `row_changes` compares two versions.
"""

from hub.mappings.rows.body_rows import InvalidRows, body_of_rows, rows_of_body
from hub.mappings.rows.row_changes import RowChange, compare_rows
from hub.mappings.rows.row_values import Row

__all__ = ["InvalidRows", "Row", "RowChange", "body_of_rows", "compare_rows", "rows_of_body"]
