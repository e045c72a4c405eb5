"""The embedded server's settings: safe first (fsync, synchronous commit), then small."""

from __future__ import annotations

import os
from collections.abc import Mapping

PORT = 5432
"""Only a part of the socket's name: the server listens on no network address."""

SUPERUSER = "circle"
DATABASE = "circle"
LOGINS = ("circle_app", "circle_auth", "circle_hub", "circle_job", "circle_send")
"""Roles that may log in here by themselves, so that no superuser stands behind the server's connections."""


def postgresql_conf(socket: str, overrides: Mapping[str, str]) -> str:
    """The whole of postgresql.conf: rewritten at each start, so a new release's settings hold at once."""
    settings = {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": socket,
        "unix_socket_permissions": "0700",
        "max_connections": "60",
        "shared_buffers": f"{_shared_buffers()}MB",
        "work_mem": "4MB",
        "maintenance_work_mem": "32MB",
        "effective_io_concurrency": "4",
        "io_method": "sync",  # no I/O worker processes
        "max_parallel_workers_per_gather": "0",
        "max_worker_processes": "4",
        "max_wal_size": "512MB",
        "min_wal_size": "64MB",
        "wal_compression": "off",  # ciphertext does not compress
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "datestyle": "iso, mdy",
        "default_text_search_config": "pg_catalog.simple",
        "update_process_title": "off",
        # The log must hold no content: no statement, no parameter, no DETAIL (which quotes values).
        "log_statement": "none",
        "log_min_messages": "warning",
        "log_min_error_statement": "panic",
        "log_parameter_max_length_on_error": "0",
        "log_error_verbosity": "terse",
        "log_checkpoints": "off",
        "log_line_prefix": "%m [%p] ",
    }
    settings.update(overrides)
    return "# Written by Circle at each start.\n" + "".join(
        f"{key} = '{value.replace(chr(39), chr(39) * 2)}'\n" for key, value in settings.items()
    )


def pg_hba_conf() -> str:
    """Only over the socket, and the kernel says who is there: no password that could leak."""
    return "local all all peer map=circle\n"


def pg_ident_conf(users: set[str]) -> str:
    """The system users (the one that starts us, root) who may come in as the superuser and as the roles."""
    return "".join(f'circle "{user}" {role}\n' for user in sorted(users) for role in (SUPERUSER, *LOGINS))


def _shared_buffers() -> int:
    """A sixteenth of the memory, 32 to 256 MB."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    except (ValueError, OSError):
        memory = 1024
    return max(32, min(256, memory // 16))
