"""Splunk: the HTTP Event Collector as documented and measured on 10.4, and a search page."""
