"""Pages of scheduled work: the discrepancy review, and the shipping of logs."""
