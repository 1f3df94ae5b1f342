"""What Slack sends to an app: events, slash commands and clicks, signed with the app's secret."""
