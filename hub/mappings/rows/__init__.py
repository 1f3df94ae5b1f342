"""The body of a field mapping as rows of a table, and back, without loss.

A row is one leaf of the body: `field_paths` names where it stands, `row_values` what it holds,
`body_rows` turns a whole body into rows and rows into a body, `row_changes` compares two versions.
"""

from hub.mappings.rows.body_rows import InvalidRows, body_of_rows, rows_of_body
from hub.mappings.rows.row_changes import RowChange, compare_rows
from hub.mappings.rows.row_values import Row

__all__ = ["InvalidRows", "Row", "RowChange", "body_of_rows", "compare_rows", "rows_of_body"]
