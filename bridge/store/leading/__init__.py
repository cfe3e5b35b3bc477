"""Which of several hosts leads: one at a time, decided by PostgreSQL."""
