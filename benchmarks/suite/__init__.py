"""The benchmark suite: what each part costs beside a peer that was measured in the same minutes."""
