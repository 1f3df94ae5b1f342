"""What a Slack app is told: events, slash commands and clicks, signed with the app's secret."""
