"""Reports: send the result of a query over a period as a message with a table and a chart."""
