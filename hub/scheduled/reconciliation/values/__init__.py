"""Convert values and keys of records, so that equal ones have equal bytes."""
