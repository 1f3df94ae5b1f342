"""What the page of a delivery says of it beside others: differences, times, the same error."""
