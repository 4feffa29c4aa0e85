"""Facts as data, with their typed readers."""
