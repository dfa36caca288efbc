"""Rehearses a campaign in virtual time: who would be called when, and with which result.

The loop, the people model and an engine in memory. Decisions are the domain's own, so a rehearsal
calls nobody whom a campaign would not call. Nothing here acts on the world, reads a clock or a
database.
"""
