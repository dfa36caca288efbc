"""Callbacks and tool calls: effects applied at settlement, stored runs, answers to tool calls."""
