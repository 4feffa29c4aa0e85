"""Hold what planner needs."""
