"""What can be proved of the log by whoever has it: its chain, signatures over it, and what both say
of a file."""
