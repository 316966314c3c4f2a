"""The gate: whether memory got worse between two states of a server, with error rates that are measured."""
