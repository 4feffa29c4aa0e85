"""The files that envgen writes and reads back, one module a format."""
