"""What each command leads to: a function a command, by subject; the table is `state_machine`."""
