"""Settings are checked whole, and a mistake is one line that says what to do."""

from pathlib import Path

import pytest

from reference_server.errors import SettingsError
from reference_server.settings import Settings


def test_nothing_set_gives_the_defaults() -> None:
    """An empty environment is the default configuration."""
    assert Settings.from_environ({}) == Settings()


def test_an_empty_variable_is_as_good_as_none() -> None:
    """`PORT=` in a shell or a compose file keeps the default."""
    assert Settings.from_environ({"PORT": " ", "API_KEY": ""}) == Settings()


def test_every_variable_is_read(tmp_path: Path) -> None:
    """Each setting has its variable, and milliseconds become seconds."""
    settings = Settings.from_environ(
        {
            "HOST": "0.0.0.0",
            "PORT": "9000",
            "DOCSTORE_DIR": "/data",
            "API_BASE": "http://127.0.0.1:9/v1/",
            "API_KEY": "sk-1",
            "TTS_MODEL": "kokoro",
            "TTS_VOICE": "af_sky",
            "TTS_CACHE_MAX_SIZE_BYTES": "1000",
            "TTS_CACHE_TTL_MS": "1500",
            "TTS_MAX_RETRIES": "0",
            "ALIGNERS": "1",
            "ALIGNER_MODEL": str(tmp_path),
            "PREPROCESS_CONCURRENCY": "2",
            "MAX_DOCUMENT_BYTES": "5",
            "ALLOWED_API_BASES": "http://127.0.0.1:1/v1/, https://api.example.org/v1",
            "ALIGNER": "none",
            "ALIGNER_COMMAND": "/opt/whisper-cli",
            "STORE_MAX_BYTES": "6",
            "STORE_SWEEP_S": "7",
            "DOCUMENT_OPEN_S": "8",
            "EXTRACT_MEMORY_BYTES": "67108864",
            "EXTRACT_TIMEOUT_S": "9",
            "BASIC_AUTH_USER": "me",
            "BASIC_AUTH_PASSWORD": "se:cret",
            "MAX_REQUESTS": "10",
            "HEADER_TIMEOUT_S": "11",
            "BODY_TIMEOUT_S": "12",
            "METRICS_PORT": "9001",
            "LOG_FORMAT": "json",
            "LOG_REQUESTS": "1",
        }
    )
    assert settings == Settings(
        host="0.0.0.0",
        port=9000,
        docstore_dir=Path("/data"),
        api_base="http://127.0.0.1:9/v1",
        api_key="sk-1",
        tts_model="kokoro",
        tts_voice="af_sky",
        tts_cache_max_size_bytes=1000,
        tts_cache_ttl_s=1.5,
        tts_max_retries=0,
        aligners=1,
        aligner_model=tmp_path,
        preprocess_concurrency=2,
        max_document_bytes=5,
        allowed_api_bases=("http://127.0.0.1:1/v1", "https://api.example.org/v1"),
        aligner="none",
        aligner_command=Path("/opt/whisper-cli"),
        store_max_bytes=6,
        store_sweep_s=7,
        document_open_s=8,
        extract_memory_bytes=67108864,
        extract_timeout_s=9,
        basic_auth_user="me",
        basic_auth_password="se:cret",
        max_requests=10,
        header_timeout_s=11,
        body_timeout_s=12,
        metrics_port=9001,
        log_format="json",
        log_requests=True,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "8e3"),
        ("PORT", "9" * 5000),
        ("API_BASE", "localhost:8880"),
        ("API_BASE", "ftp://host/v1"),
        ("API_BASE", "http://[::1"),
        ("API_BASE", "http://host:99999/v1"),
        ("TTS_CACHE_TTL_MS", "0"),
        ("TTS_MAX_RETRIES", "11"),
        ("ALIGNERS", "many"),
        ("ALIGNER_MODEL", "/nowhere/at/all"),
        ("PREPROCESS_CONCURRENCY", "0"),
        ("MAX_DOCUMENT_BYTES", "0"),
    ],
)
def test_a_bad_value_is_one_line_with_name_value_and_way_out(name: str, value: str) -> None:
    """The message names the variable, shows the value and says what would do."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_environ({name: value})
    message = str(caught.value)
    assert message.startswith(f"{name}: {value!r} is not a")
    assert "\n" not in message
    assert message.count(". ") >= 1


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "65535"), ("PORT", "0"), ("PREPROCESS_CONCURRENCY", "64")]
)
def test_the_limits_themselves_pass(name: str, value: str) -> None:
    """Exactly at a limit is inside it."""
    assert getattr(Settings.from_environ({name: value}), name.lower()) == int(value)


def test_the_key_is_not_shown() -> None:
    """A settings object can be logged without giving the key away."""
    assert "sk-secret" not in repr(Settings(api_key="sk-secret"))


@pytest.mark.parametrize("key", ["clé", "sk-\ud800", "sk\n1"])
def test_a_key_that_no_header_carries_is_refused_without_showing_it(key: str) -> None:
    """It is named when the server starts, not at the first call, and the message does not give it away."""
    with pytest.raises(SettingsError, match="API_KEY: the value is not a key") as caught:
        Settings.from_environ({"API_KEY": key})
    assert key not in str(caught.value)


@pytest.mark.parametrize("name", ["BASIC_AUTH_USER", "BASIC_AUTH_PASSWORD", "TTS_VOICE", "TTS_MODEL", "HOST"])
def test_bytes_that_are_no_text_are_refused(name: str) -> None:
    """GIVEN a variable in another encoding, as the system hands it over THEN it is named at the start."""
    with pytest.raises(SettingsError, match=f"{name}: .* is not a text in UTF-8") as caught:
        Settings.from_environ({"BASIC_AUTH_USER": "me", "BASIC_AUTH_PASSWORD": "it", name: "caf\udce9"})
    assert name != "BASIC_AUTH_PASSWORD" or "caf" not in str(caught.value)


def test_half_a_password_is_refused() -> None:
    """GIVEN a user and no password THEN nobody believes that the server is closed."""
    with pytest.raises(SettingsError, match="BASIC_AUTH_PASSWORD: not set"):
        Settings.from_environ({"BASIC_AUTH_USER": "me"})
    with pytest.raises(SettingsError, match="BASIC_AUTH_USER: not set"):
        Settings.from_environ({"BASIC_AUTH_PASSWORD": "secret"})


def test_whisper_cpp_needs_its_command_and_its_model(tmp_path: Path) -> None:
    """GIVEN whisper.cpp as aligner THEN what it needs is looked for at once."""
    model = tmp_path / "ggml.bin"
    with pytest.raises(SettingsError, match="ALIGNER_MODEL: not set"):
        Settings.from_environ({"ALIGNER": "whisper.cpp"})
    with pytest.raises(SettingsError, match=r"ALIGNER_MODEL: .* is not a file"):
        Settings.from_environ({"ALIGNER": "whisper.cpp", "ALIGNER_MODEL": str(model)})
    model.touch()
    environ = {"ALIGNER": "whisper.cpp", "ALIGNER_MODEL": str(model), "ALIGNER_COMMAND": "/nowhere/cli"}
    with pytest.raises(SettingsError, match="ALIGNER_COMMAND: '/nowhere/cli' is no command"):
        Settings.from_environ(environ)
    assert Settings.from_environ({**environ, "ALIGNER_COMMAND": "/bin/sh"}).aligner_model == model


@pytest.mark.parametrize(
    ("name", "value"),
    [("ALIGNER", "vosk"), ("LOG_FORMAT", "xml"), ("LOG_REQUESTS", "yes"), ("BASIC_AUTH_USER", "a:b")],
)
def test_a_value_that_is_none_of_the_choices_is_refused(name: str, value: str) -> None:
    """GIVEN a word that means nothing THEN it is named with the choices."""
    with pytest.raises(SettingsError, match=f"{name}: '{value}' is not"):
        Settings.from_environ({name: value})
