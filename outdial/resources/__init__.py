"""What work is done with: the database, the lines, the clock, outgoing requests, Temporal."""
