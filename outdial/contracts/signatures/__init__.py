"""Signatures of the activities, a module for the activities of each workflow."""
