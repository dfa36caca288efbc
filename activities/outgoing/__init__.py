"""Requests and letters to other people's systems."""
