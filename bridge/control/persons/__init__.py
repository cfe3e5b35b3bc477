"""Delegates: what they are called, lists out of files, telephones, and how they are forgotten."""
