"""Totals of lists, as far as they are counted.

To count all calls of some years takes seconds. A total is exact up to 1,000 beyond the page shown,
and not larger than that: whoever turns the pages by it comes to the last one.
"""

AHEAD = 1000


def counted_to(offset: int, size: int) -> int:
    """How far the total of a page of `size` at `offset` is counted."""
    return offset + size + AHEAD
