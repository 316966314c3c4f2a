"""Readers, the document they read and the speech upstream."""
