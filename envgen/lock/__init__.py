"""The lock in memory: its texts, its graph, its difference from another, and what makes it stale."""
