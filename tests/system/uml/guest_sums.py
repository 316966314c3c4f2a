"""Run in a guest and on its host: sums whose every digit depends on the vector registers staying as they were."""

import hashlib
import os
import sys
import threading

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

THREADS = 2
PROCESSES = 3
ROUNDS = 100


def digest_of(seed: int) -> str:
    """Multiply matrices, with a system call after each: that is when the kernel may switch."""
    matrix = np.random.default_rng(seed).random((96, 96), dtype=np.float32)
    product, digest = matrix.copy(), hashlib.sha256()
    for _ in range(ROUNDS):
        product = product @ matrix
        product /= np.abs(product).max()
        digest.update(product.tobytes())
        os.getppid()
    return digest.hexdigest()


def sums(process: int) -> str:
    """Let the process's threads compute at once."""
    found: dict[int, str] = {}

    def work(thread: int) -> None:
        found[thread] = digest_of(process * THREADS + thread)

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return " ".join(found[thread] for thread in sorted(found))


readers = []
for process in range(PROCESSES):
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.write(writer, sums(process).encode())
        os._exit(0)
    os.close(writer)
    readers.append(reader)
for reader in readers:
    sys.stdout.write(os.read(reader, 4096).decode() + "\n")
    os.wait()
