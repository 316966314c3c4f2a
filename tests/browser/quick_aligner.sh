#!/bin/sh
# whisper.cpp's command, but for listening: it says three words that every sentence of documents.py has, so that a block
# is aligned in a few milliseconds. For the tests in which there must be words, and it matters little when.
while [ $# -gt 0 ]; do
    [ "$1" = -of ] && answer=$2.json
    shift
done
word() { printf '{"text": " %s", "offsets": {"from": %d, "to": %d}}' "$@"; }
printf '{"transcription": [{"tokens": [%s, %s, %s]}]}' \
    "$(word the 700 900)" "$(word is 1500 1700)" "$(word here 1800 2100)" >"$answer"
