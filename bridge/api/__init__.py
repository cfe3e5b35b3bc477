"""The REST interface: everything the console can do (docs/api.md)."""
