"""Media of a call: sockets, keys, sound and pictures on their way between codec and bridge."""
