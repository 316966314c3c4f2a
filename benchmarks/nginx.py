"""A plain file server: nginx, which answers the two questions of a cached reader from files."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.debian import find_program
from benchmarks.servers import Server, served
from profiles import processes

CONNECTIONS_PER_PROCESS = 12_000
"""The kernel spreads connections by hash, so one process gets a little more than its share of them."""

_CONFIGURATION = """\
daemon off;
master_process off;
pid {name}.pid;
error_log stderr warn;
events {{ worker_connections {connections}; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  open_file_cache max=10000 inactive=1h;
  open_file_cache_valid 1h;
  client_body_temp_path temporary;
  proxy_temp_path temporary;
  fastcgi_temp_path temporary;
  uwsgi_temp_path temporary;
  scgi_temp_path temporary;
  server {{
    listen 127.0.0.1:{port} reuseport backlog=4096;
    root "{files}";
    location = /api/tts/chunk {{
      default_type audio/mpeg;
      try_files /chunk/$arg_page-$arg_blockIndex =404;
    }}
    location = /api/tts/timings {{
      default_type application/json;
      try_files /timings/$arg_page-$arg_blockIndex =404;
    }}
    location = /api/health {{
      default_type application/json;
      return 200 '{{"ok":true}}';
    }}
  }}
}}
"""


def find_nginx(tell: Callable[[str], None]) -> str:
    """Returns nginx's program, installed from Debian first where it is absent and we may.

    Raises:
        BenchmarkError: it cannot be had here.
    """
    return find_program("nginx", "nginx", tell)


@contextmanager
def file_server(
    program: str, files: Path, folder: Path, *, connections: int, cores: set[int] | None = None
) -> Iterator[Server]:
    """Starts nginx on files, with everything of its own in one folder.

    Each process serves by itself on the shared port, without a master: the kernel ends each when we die.

    Args:
        program: nginx.
        files: the answers, as `Store.files`.
        folder: an empty folder for configuration, pid and log.
        connections: how many it must hold at once.
        cores: where it may run.

    Raises:
        BenchmarkError: it does not start.
    """
    port, commands = processes.free_port(), []
    for number in range(-(-connections // CONNECTIONS_PER_PROCESS)):
        name = f"nginx-{number}"
        text = _CONFIGURATION.format(
            name=name, port=port, files=files.resolve(), connections=CONNECTIONS_PER_PROCESS + 1000
        )
        (folder / f"{name}.conf").write_text(text, encoding="utf-8")
        commands.append([program, "-e", "stderr", "-p", f"{folder.resolve()}/", "-c", f"{name}.conf"])
    with served("nginx", port, commands, folder / "nginx.log", cores=cores) as one:
        yield one
