"""Settings of gunicorn, which forks its workers after it has imported the application."""

bind = "0.0.0.0:8000"
# Imports the application, and creates the client, before the fork.
preload_app = True
workers = 2
# A worker answers other requests while a call waits for the network.
threads = 4
# Longer than the timeout of a call (DCS_TIMEOUT_MS, 30 s); otherwise gunicorn kills the worker during a call.
timeout = 60
graceful_timeout = 35
# Heartbeats use a file in memory, because the root file system may be read-only.
worker_tmp_dir = "/dev/shm"  # noqa: S108
