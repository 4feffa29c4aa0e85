"""Read other tools' files."""
