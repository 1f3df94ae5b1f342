"""Outbound messages: registered with their flows by the Tooling API, sent as SOAP."""
