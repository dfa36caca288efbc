"""Tools that agents call during a call: free times, bookings, opt-outs, another call later."""
