"""When registrations are checked: what is due, how often, within the budget of each quota."""
