"""Requests the DCS's status, with the settings from the environment.

DCS_URL, DCS_CA_BUNDLE, DCS_CERTIFICATE and DCS_PRIVATE_KEY.
"""

from __future__ import annotations

import sys

import libdcs


def main() -> int:
    """Print the status, or the error with its hint."""
    try:
        # A service keeps its client for as long as it runs; any thread may call it.
        with libdcs.Client.from_env() as client:
            status = client.status()
    except libdcs.DcsError as error:
        print(error, file=sys.stderr)
        return 1
    print("available:", "yes" if status.available else "no")
    if status.message:
        print("message:", status.message)
    for outage in status.scheduled_outages:
        print("planned outage:", outage.start, "to", outage.end)
    return 0


if __name__ == "__main__":
    sys.exit(main())
