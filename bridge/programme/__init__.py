"""The programme process: takes a tap of the media worker and records it."""
