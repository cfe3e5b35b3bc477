"""The command line of the bridge: serve, demo, accounts, certificates, conferences, readiness."""
