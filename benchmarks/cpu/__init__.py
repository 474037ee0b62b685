"""What the planner chooses on a CPU, beside all that it could have chosen and beside peers."""
