"""The mailbox: takes every mail, delivers none, shows them all."""
