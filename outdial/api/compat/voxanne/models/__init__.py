"""Bodies of requests and answers, as Voxanne's API names their fields."""
