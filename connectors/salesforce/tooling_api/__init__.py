"""The Tooling API, by which outbound messages and the flows that send them are registered."""
