"""The control process: composition, credentials and certificates."""
