"""The network itself: calls, the people who are called, what the account may do, faults that are
injected, and statistics. No HTTP."""
