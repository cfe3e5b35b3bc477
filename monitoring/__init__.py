"""Monitoring: probes, the quality of lines, metrics; rules, dashboards and runbooks for admins."""
