"""Canaries: a revision that a share of the recipients gets first, and the test that promotes it or
takes it back."""
