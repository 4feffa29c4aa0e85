"""Lock environments: plan, solve, prove and write."""
