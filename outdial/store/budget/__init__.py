"""Budgets: what is reserved for calls and what they have cost, and the totals of campaigns."""
