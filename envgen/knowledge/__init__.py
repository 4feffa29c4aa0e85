"""Hold facts as data, with their typed readers."""
