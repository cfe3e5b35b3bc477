"""What is kept: the log of conferences, accounts, templates, audit. SQLite or PostgreSQL."""
