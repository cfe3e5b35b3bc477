"""What a receiver's line carries, and how that is spent: estimation, probing, pacing, allocation.

Pure: times are monotonic seconds and arguments. Everything works per feedback report and per batch
of packets that left in one call, never per packet.
"""
