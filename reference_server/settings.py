"""Every setting of the server, read once from the environment and checked before anything starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from reference_server.errors import SettingsError

_T = TypeVar("_T")
_MIB = 1024 * 1024
_SECRET = frozenset({"API_KEY"})


@dataclass(frozen=True)
class Settings:
    """The server's settings, each named after its environment variable in lower case.

    `tts_cache_ttl_s` is given as `TTS_CACHE_TTL_MS`, in milliseconds, as the real application names it.
    `api_base` includes `/v1` and has no slash at its end. `aligners` bounds the live aligners, 0 not at
    all, as deployed; a job of pre-generation has one more of its own. `aligner_model` None means the model that
    the installed wheel carries; pre-generation aligns as English whatever the model is.
    """

    host: str = "127.0.0.1"
    port: int = 8003
    docstore_dir: Path = Path("docstore")
    api_base: str = "http://127.0.0.1:8880/v1"
    api_key: str = field(default="none", repr=False)
    tts_model: str = "tts-1"
    tts_voice: str = "alloy"
    tts_cache_max_size_bytes: int = 256 * _MIB
    tts_cache_ttl_s: float = 1800.0
    tts_max_retries: int = 2
    aligners: int = 0
    aligner_model: Path | None = None
    preprocess_concurrency: int = 4
    max_document_bytes: int = 200 * _MIB

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings from `environ`; an absent or empty variable keeps its default.

        Raises:
            SettingsError: names the variable, its value and the way out.
        """
        reader = _Reader(environ)
        return cls(
            host=reader.get("HOST", _text, cls.host),
            port=reader.get("PORT", _whole(0, 65535), cls.port),
            docstore_dir=reader.get("DOCSTORE_DIR", Path, cls.docstore_dir),
            api_base=reader.get("API_BASE", _base_url, cls.api_base),
            api_key=reader.get("API_KEY", _key, "none"),
            tts_model=reader.get("TTS_MODEL", _text, cls.tts_model),
            tts_voice=reader.get("TTS_VOICE", _text, cls.tts_voice),
            tts_cache_max_size_bytes=reader.get(
                "TTS_CACHE_MAX_SIZE_BYTES", _whole(0), cls.tts_cache_max_size_bytes
            ),
            tts_cache_ttl_s=reader.get("TTS_CACHE_TTL_MS", _milliseconds, cls.tts_cache_ttl_s),
            tts_max_retries=reader.get("TTS_MAX_RETRIES", _whole(0, 10), cls.tts_max_retries),
            aligners=reader.get("ALIGNERS", _whole(0), cls.aligners),
            aligner_model=reader.get("ALIGNER_MODEL", _folder, cls.aligner_model),
            preprocess_concurrency=reader.get(
                "PREPROCESS_CONCURRENCY", _whole(1, 64), cls.preprocess_concurrency
            ),
            max_document_bytes=reader.get("MAX_DOCUMENT_BYTES", _whole(1), cls.max_document_bytes),
        )


@dataclass(frozen=True)
class _Reader:
    environ: Mapping[str, str]

    def get(self, name: str, parse: Callable[[str], _T], default: _T) -> _T:
        value = self.environ.get(name, "").strip()
        if not value:
            return default
        try:
            return parse(value)
        except ValueError as error:
            shown = "the value" if name in _SECRET else repr(value)
            raise SettingsError(f"{name}: {shown} is not {error}.") from None


def _text(value: str) -> str:
    return value


def _key(value: str) -> str:
    if not (value.isascii() and value.isprintable()):
        raise ValueError("a key. Use ASCII characters only: no header can carry others")
    return value


def _whole(least: int, most: int | None = None) -> Callable[[str], int]:
    limits = f"of at least {least}" if most is None else f"from {least} to {most}"
    wanted = f"a whole number {limits}"

    def parse(value: str) -> int:
        if not (value.isascii() and value.isdecimal()) or len(value) > 18:
            raise ValueError(f"{wanted}. Use digits only")
        number = int(value)
        if number < least or (most is not None and number > most):
            raise ValueError(f"{wanted}. Choose one inside that range")
        return number

    return parse


def _milliseconds(value: str) -> float:
    return _whole(1)(value) / 1000


def _base_url(value: str) -> str:
    wanted = ValueError("an http(s) address. Use one with its path, such as http://127.0.0.1:8880/v1")
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise wanted from None
    if not usable:
        raise wanted
    return value.rstrip("/")


def _folder(value: str) -> Path:
    path = Path(value)
    if not path.is_dir():
        raise ValueError("a folder. Name one that holds a CTranslate2 Whisper model, or leave it unset")
    return path
