"""What readers are made of, kept out of the garbage collector's way.

A reader is about 110 objects that live as long as the run. Each full collection looks at all of them: with 5,000
readers it stops the loop for 0.27 s, and whoever's block was to begin then hears a stall that is the generator's.
There is nothing to find there: with the collector switched off, cached reading grows no faster.

Only readers who are there at once count. Where sessions follow each other for hours, those that have ended are the
collector's: what is taken out of its way is never given back before the run's end.
"""

import gc

READERS_AT_ONCE = 250


def reader_began(readers: int) -> None:
    """Takes what has been made so far out of further collections, once for every ``READERS_AT_ONCE`` readers.

    Args:
        readers: how many are at work at once in this process, each time there are more than ever before.
    """
    if readers % READERS_AT_ONCE == 0:
        gc.freeze()


def readers_left() -> None:
    """Gives all of it back to the collector: on the web page another run may follow."""
    gc.unfreeze()
