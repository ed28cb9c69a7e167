"""What Dropwall knows, as rows: all of the SQL."""
