"""The settings that this example needs."""

import os

SECRET_KEY = os.environ["DJANGO_SECRET_KEY"]
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
INSTALLED_APPS = ["checks"]
ROOT_URLCONF = "project.urls"
USE_TZ = True
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {
        # One line for each call; DEBUG logs each step.
        "libdcs": {"handlers": ["console"], "level": "INFO"},
        "checks": {"handlers": ["console"], "level": "INFO"},
    },
}
