"""Turn a lock into the text of files."""
