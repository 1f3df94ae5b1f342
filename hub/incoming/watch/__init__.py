"""Watch sources: a long silence asks for evidence, then alarms; canaries prove delivery."""
