"""Accounts: authentication, passwords, throttling, and the audit trail as syslog."""
