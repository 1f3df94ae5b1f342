"""The fields of records: standard ones, and those that a company made."""
