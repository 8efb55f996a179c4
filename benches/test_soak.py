from __future__ import annotations

import copy
import unittest
from typing import Any

from soak_report import complaints, summary


def outcome(count: int, longest_us: int = 1000, example: str = "") -> dict[str, Any]:
    return {"count": count, "longest_us": longest_us, "longest_own_us": longest_us // 2, "example": example}


HELD = {"calls": 10, "heap": 100_000, "blocks": 9, "resident": 9_000_000, "descriptors": 3, "threads": 26}
GOOD: dict[str, Any] = {
    "calls": 100,
    "timeout_ms": 500,
    "outcomes": {
        "kept": {
            "DCS_OK": outcome(90),
            "DCS_ERR_CONNECT": outcome(8),
            "DCS_ERR_CONNECTION_LOST": outcome(2),
            "DCS_ERR_TIMEOUT": outcome(1, 501_000),
        }
    },
    "answers_over_kept_connections": {"kept": 80},
    "after_last_restart": {"kept": {"DCS_OK": outcome(9)}},
    "reloads": {"DCS_OK": outcome(2), "DCS_ERR_CERTIFICATE": outcome(1)},
    "held": [HELD, HELD, {**HELD, "calls": 100, "heap": 101_000}],
}


class Complaints(unittest.TestCase):
    def judged(self, *path: Any, value: Any, calls: int = 100) -> list[str]:
        """Returns the complaints if one figure is replaced."""
        result = copy.deepcopy(GOOD)
        at = result
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value
        return complaints(result, calls)

    def test_a_good_result_has_no_complaint(self) -> None:
        self.assertEqual(complaints(GOOD, 100), [])
        self.assertEqual(complaints(GOOD, 101), ["only 100 calls"])

    def test_every_unexpected_code_is_a_complaint(self) -> None:
        for code in "DCS_ERR_TLS", "DCS_ERR_INTERNAL", "DCS_ERR_RESPONSE", "WRONG_ANSWER", "WRONG_ERROR":
            found = self.judged("outcomes", "kept", code, value=outcome(1, example="A message."))
            self.assertEqual(found, [f"kept: 1 times {code}: A message."])
        self.assertEqual(
            self.judged("reloads", "DCS_ERR_INTERNAL", value=outcome(1, example="x")),
            ["a reload ended with DCS_ERR_INTERNAL: x"],
        )

    def test_a_call_beyond_its_timeout_is_a_complaint(self) -> None:
        found = self.judged("outcomes", "kept", "DCS_ERR_TIMEOUT", value=outcome(1, 2_501_000))
        self.assertEqual(found, ["kept: DCS_ERR_TIMEOUT after 2501 ms"])

    def test_success_and_refused_connections_must_occur(self) -> None:
        result = copy.deepcopy(GOOD)
        del result["outcomes"]["kept"]["DCS_ERR_CONNECT"]
        self.assertEqual(complaints(result, 100), ["kept: never DCS_ERR_CONNECT"])
        result["outcomes"]["kept"] = {"DCS_ERR_CONNECT": outcome(9)}
        self.assertEqual(complaints(result, 100), ["kept: never DCS_OK"])

    def test_connections_are_kept_as_the_name_of_the_traffic_says(self) -> None:
        found = self.judged("answers_over_kept_connections", "kept", value=44)
        self.assertEqual(found, ["kept: 44 of 90 answers came over kept connections"])
        result = copy.deepcopy(GOOD)
        for part in "outcomes", "answers_over_kept_connections":
            result[part]["closed"] = result[part]["kept"]
        found = complaints(result, 100)
        self.assertEqual(found, ["closed: 80 of 90 answers came over kept connections"])

    def test_no_call_may_fail_after_the_last_restart(self) -> None:
        found = self.judged("after_last_restart", "kept", "DCS_ERR_CONNECT", value=outcome(1, example="x"))
        self.assertEqual(found, ["kept: DCS_ERR_CONNECT after the last restart: x"])

    def test_growth_is_a_complaint(self) -> None:
        for what, more in ("heap", 70_000), ("resident", 9_000_000), ("descriptors", 1), ("threads", 1):
            found = self.judged("held", 2, what, value=GOOD["held"][0][what] + more)
            self.assertEqual(len(found), 1, found)
            self.assertIn(f"{what} grew from", found[0])

    def test_the_summary_has_all_codes(self) -> None:
        text = summary(GOOD)
        self.assertIn("| kept | 101 | 90 | 80 | 8 | 2 | 1 | 501 ms | 250 ms |", text)
        self.assertIn("| at the end | 100 | 101,000 | 9 | 9,000,000 | 3 | 26 |", text)


if __name__ == "__main__":
    unittest.main()
