"""Who may do what: roles, passwords, throttling."""
