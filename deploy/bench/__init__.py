"""`sluice bench`: gateway and writer against what limits them, measured in one run (goals: performance.md, "Goals")."""
