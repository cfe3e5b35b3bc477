"""The demo with two hosts on a PostgreSQL of its own, one of which is lost."""
