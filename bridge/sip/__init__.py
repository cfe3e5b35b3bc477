"""The gateway to standards-based codecs: SIP calls as ordinary points."""
