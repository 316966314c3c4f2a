"""What the load generator costs: benchmarks, apart from the tests and from what they measure."""
