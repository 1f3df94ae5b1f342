"""The pages of the portal: each view reads, says a verb, and answers."""
