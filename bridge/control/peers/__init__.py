"""Other bridges that are points of conferences here: a province above, districts below."""
