"""Descriptions of an org's objects, and their changes by the control."""
