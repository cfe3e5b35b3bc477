"""Decisions: for each command one function that returns its events, or why it is refused.

They stand by subject; `bridge.conference.state_machine` has the table of them.
"""
