"""Minutes of conferences: drafted from the log, as DOCX and as PDF."""
