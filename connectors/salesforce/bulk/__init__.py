"""Salesforce: very many records, read and written by jobs of Bulk API 2.0."""
