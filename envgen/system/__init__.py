"""The machine: files, settings, git, and what it runs."""
