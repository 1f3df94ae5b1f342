"""REST: what happened is told here, and what became of it is read here."""
