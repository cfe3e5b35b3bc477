"""What every package may use: clock, logs, texts, JSON, roles, systemd. Knows no subject."""
