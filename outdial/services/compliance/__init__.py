"""Suppress, block, audit and explain."""
