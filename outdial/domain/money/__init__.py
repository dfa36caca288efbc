"""Money: amounts, what a call on a line costs, and what a budget still admits."""
