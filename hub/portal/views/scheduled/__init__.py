"""Pages of scheduled work: jobs, runs, the discrepancy review, and the shipping of logs."""
