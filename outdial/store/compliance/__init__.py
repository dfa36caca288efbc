"""Suppressed numbers, rulings of the operator, and receipts of decisions."""
