"""Every setting of the server, read once from the environment and checked before anything starts."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args
from urllib.parse import urlsplit

from reference_server.errors import SettingsError

_T = TypeVar("_T")
_MIB = 1024 * 1024
SECRET_VARIABLES = frozenset({"API_KEY", "BASIC_AUTH_PASSWORD"})
"""Neither shown in an error nor handed to a child process."""

AlignerKind = Literal["embedded", "whisper.cpp", "none"]
LogFormat = Literal["text", "json"]


@dataclass(frozen=True)
class Settings:
    """The server's settings, each named after its environment variable in lower case.

    `tts_cache_ttl_s` is given as `TTS_CACHE_TTL_MS`, in milliseconds, as the real application names it.
    `api_base` includes `/v1` and has no slash at its end. `aligners` bounds the live aligners, 0 not at
    all, as deployed. `aligner_model` None means the model that the installed wheel carries; pre-generation
    aligns as English whatever the model is. `allowed_api_bases` are what a caller may name in place of
    `api_base`. `metrics_port` 0 means none of its own. Both of `basic_auth_user` and `basic_auth_password`
    are set, or neither.
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
    allowed_api_bases: tuple[str, ...] = ()
    aligner: AlignerKind = "embedded"
    aligner_command: Path = Path("whisper-cli")
    store_max_bytes: int = 5_000_000_000
    store_sweep_s: int = 60
    document_open_s: int = 1800
    extract_memory_bytes: int = 512 * _MIB
    extract_timeout_s: int = 300
    basic_auth_user: str = ""
    basic_auth_password: str = field(default="", repr=False)
    max_requests: int = 4096
    header_timeout_s: int = 10
    body_timeout_s: int = 30
    metrics_port: int = 0
    log_format: LogFormat = "text"
    log_requests: bool = False

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings from `environ`; an absent or empty variable keeps its default.

        Raises:
            SettingsError: names the variable, its value and the way out.
        """
        reader = _Reader(environ)
        user = reader.get("BASIC_AUTH_USER", _user, "")
        password = reader.get("BASIC_AUTH_PASSWORD", _text, "")
        if bool(user) != bool(password):
            unset = "BASIC_AUTH_PASSWORD" if user else "BASIC_AUTH_USER"
            raise SettingsError(
                f"{unset}: not set, and the other half of the password is. Set both, or neither."
            )
        aligner: AlignerKind = reader.get("ALIGNER", _one_of(AlignerKind), cls.aligner)
        command = reader.get("ALIGNER_COMMAND", Path, cls.aligner_command)
        model = reader.get("ALIGNER_MODEL", _file if aligner == "whisper.cpp" else _folder, cls.aligner_model)
        if aligner == "whisper.cpp":
            _check_whisper_cpp(command, model)
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
            aligner_model=model,
            preprocess_concurrency=reader.get(
                "PREPROCESS_CONCURRENCY", _whole(1, 64), cls.preprocess_concurrency
            ),
            max_document_bytes=reader.get("MAX_DOCUMENT_BYTES", _whole(1), cls.max_document_bytes),
            allowed_api_bases=reader.get("ALLOWED_API_BASES", _base_urls, cls.allowed_api_bases),
            aligner=aligner,
            aligner_command=command,
            store_max_bytes=reader.get("STORE_MAX_BYTES", _whole(1), cls.store_max_bytes),
            store_sweep_s=reader.get("STORE_SWEEP_S", _whole(1), cls.store_sweep_s),
            document_open_s=reader.get("DOCUMENT_OPEN_S", _whole(0), cls.document_open_s),
            extract_memory_bytes=reader.get(
                "EXTRACT_MEMORY_BYTES", _whole(64 * _MIB), cls.extract_memory_bytes
            ),
            extract_timeout_s=reader.get("EXTRACT_TIMEOUT_S", _whole(1), cls.extract_timeout_s),
            basic_auth_user=user,
            basic_auth_password=password,
            max_requests=reader.get("MAX_REQUESTS", _whole(1), cls.max_requests),
            header_timeout_s=reader.get("HEADER_TIMEOUT_S", _whole(1), cls.header_timeout_s),
            body_timeout_s=reader.get("BODY_TIMEOUT_S", _whole(1), cls.body_timeout_s),
            metrics_port=reader.get("METRICS_PORT", _whole(0, 65535), cls.metrics_port),
            log_format=reader.get("LOG_FORMAT", _one_of(LogFormat), cls.log_format),
            log_requests=reader.get("LOG_REQUESTS", _yes_or_no, cls.log_requests),
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
            shown = "the value" if name in SECRET_VARIABLES else repr(value)
            raise SettingsError(f"{name}: {shown} is not {error}.") from None


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("a text in UTF-8. Write it in that encoding") from None
    return value


def _key(value: str) -> str:
    if not (value.isascii() and value.isprintable()):
        raise ValueError("a key. Use ASCII characters only: no header can carry others")
    return value


def _user(value: str) -> str:
    if ":" in value:
        raise ValueError("a user name. Leave the colon out: it divides name and password on the wire")
    return _text(value)


def _one_of(kind: object) -> Callable[[str], Any]:
    names: tuple[str, ...] = get_args(kind)

    def parse(value: str) -> str:
        if value not in names:
            raise ValueError(f"one of {', '.join(names)}")
        return value

    return parse


def _yes_or_no(value: str) -> bool:
    try:
        return {"1": True, "true": True, "0": False, "false": False}[value.lower()]
    except KeyError:
        raise ValueError("1 or 0") from None


def _base_urls(value: str) -> tuple[str, ...]:
    return tuple(_base_url(part.strip()) for part in value.split(",") if part.strip())


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


def _file(value: str) -> Path:
    path = Path(value)
    if not path.is_file():
        raise ValueError("a file. Name a model file of whisper.cpp, such as ggml-tiny.en.bin")
    return path


def _check_whisper_cpp(command: Path, model: Path | None) -> None:
    if model is None:
        raise SettingsError("ALIGNER_MODEL: not set. ALIGNER=whisper.cpp needs a model file of whisper.cpp.")
    if shutil.which(command) is None:
        raise SettingsError(
            f"ALIGNER_COMMAND: {str(command)!r} is no command. Name whisper.cpp's whisper-cli."
        )
