"""Hosts and database servers are killed, stopped and cut off: nothing acknowledged is lost."""
