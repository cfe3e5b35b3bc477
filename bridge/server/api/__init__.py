"""The REST interface: a table of routes, and the handlers of each subject."""
