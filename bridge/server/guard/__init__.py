"""What stands between strangers and the handlers: connections, hosts, and budgets of messages."""
