"""Settings of gunicorn: workers that are forked from a process that has imported the application."""

bind = "0.0.0.0:8000"
# The application, and with it the client, is there before the workers are forked.
preload_app = True
workers = 2
# A call waits for the network; a worker answers other requests meanwhile.
threads = 4
# More than a call may take (DCS_TIMEOUT_MS, 30 s), or gunicorn ends the worker in the middle of one.
timeout = 60
graceful_timeout = 35
# Heartbeats go to a file, which needs no disk here: the root file system may be read-only.
worker_tmp_dir = "/dev/shm"  # noqa: S108
