"""One file that installs the bridge, or the agent of a room PC, on a machine that has never seen
the internet: building it, unpacking it, and starting what was unpacked.

Everything here but `build` runs with a bare ``python3`` (≥ 3.11) and its standard library alone: it
runs before anything is installed.
"""
