"""The measuring side: VM, recorder, verdict, report, the oomproof command."""
