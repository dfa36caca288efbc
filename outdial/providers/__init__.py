"""Voice platforms behind one port. Beside the port stand its errors, the catalog of adapters, what
a line is, which settings an order carries, and how webhooks and tool calls are verified.
"""
