"""Tell whether a lock is still true to its manifest."""
