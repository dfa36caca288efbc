"""Commands about campaigns and their calls: run them, watch them, steer them."""
