"""Other tools' files, each read by a module of its own."""
