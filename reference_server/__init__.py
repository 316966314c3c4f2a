"""The reference document reader: live and cached reading aloud."""
