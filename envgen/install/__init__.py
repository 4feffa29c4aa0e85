"""Install a lock into a prefix."""
