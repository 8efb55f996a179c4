from __future__ import annotations

import sys
import unittest
import xml.etree.ElementTree as ET
from pathlib import Path
from tempfile import TemporaryDirectory

import race
import report
from charts import Bar, chart, number, scale_for
from contender import ContenderError, Folder, Process
from figures import Run, per_call, quantile, strace_counts, summarise
from results import Entrant, Results, ours_for
from targets import PEERS, all_targets, judge

FLOOR = Entrant("Rust", "floor", "default")
OURS = Entrant("C", "libdcs", "default")
CURL = Entrant("C", "libcurl", "default")
CURL_BEST = Entrant("C", "libcurl", "best")

STRACE = """\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 50.00    0.000120           1       120           write
 40.00    0.000100           1       230        10 read
 10.00    0.000010           0         7           mmap
------ ----------- ----------- --------- --------- ----------------
100.00    0.000230           0       357        10 total
"""


def results_with(
    figures: dict[Entrant, int], traffic: str = "tls12_close", threads: int = 1, cpu_ns: int = 1000
) -> Results:
    results = Results()
    for entrant, latency in figures.items():
        runs = [Run([latency] * 3, 3 * latency, cpu_ns)]
        results.add(entrant, traffic, threads, runs, 2048)
    return results


class Figures(unittest.TestCase):
    def test_quantiles_lie_between_values(self) -> None:
        self.assertEqual(quantile([7], 0.99), 7)
        self.assertEqual(quantile([1, 2, 3], 0.5), 2)
        self.assertEqual(quantile([1, 2, 3, 4], 0.5), 2.5)
        self.assertAlmostEqual(quantile(list(range(101)), 0.99), 99)
        with self.assertRaises(ValueError):
            quantile([], 0.5)

    def test_every_call_of_every_round_counts_the_same(self) -> None:
        summary = summarise([Run([10, 10, 10], 1_000_000, 500_000), Run([40], 1_000_000, 1_500_000)])
        self.assertEqual(summary.calls, 4)
        self.assertEqual(summary.median_ns, 10)
        self.assertAlmostEqual(summary.p99_ns, 39.1)
        self.assertEqual(summary.calls_per_s, 2000)
        self.assertEqual(summary.calls_per_cpu_s, 2000)

    def test_strace_is_read_with_and_without_errors(self) -> None:
        self.assertEqual(strace_counts(STRACE), {"write": 120, "read": 230, "mmap": 7})
        self.assertEqual(strace_counts("strace: nothing\n"), {})

    def test_the_difference_of_two_runs_gives_the_system_calls_of_a_call(self) -> None:
        short = {"write": 20, "read": 30, "mmap": 7, "brk": 3}
        self.assertEqual(per_call(short, strace_counts(STRACE), 100), {"write": 1, "read": 2})


class Targets(unittest.TestCase):
    def value(self, text: str, results: Results) -> tuple[float | None, bool | None]:
        (target,) = [target for target in all_targets() if text in target.text]
        verdict = judge(target, results)
        return verdict.value, verdict.is_met

    def test_all_targets_are_distinct(self) -> None:
        targets = all_targets()
        self.assertEqual(len(targets), 21)
        self.assertEqual(len({target.text for target in targets}), len(targets))

    def test_a_value_at_the_limit_meets_it(self) -> None:
        results = results_with({FLOOR: 100, OURS: 110})
        self.assertEqual(self.value("DCS: median from C, of the floor", results), (1.1, True))
        results = results_with({FLOOR: 100, OURS: 111})
        self.assertEqual(self.value("DCS: median from C, of the floor", results), (1.11, False))

    def test_a_peer_at_its_best_is_the_best_of_its_variants(self) -> None:
        results = results_with({OURS: 50, CURL: 500, CURL_BEST: 100})
        self.assertEqual(self.value("DCS: median from C, of libcurl at its best", results), (0.5, True))
        self.assertEqual(self.value("DCS: median from C, of libcurl at its defaults", results), (0.1, True))

    def test_a_missing_figure_is_neither_met_nor_missed(self) -> None:
        self.assertEqual(self.value("of requests at its best", results_with({OURS: 50})), (None, None))
        self.assertEqual(self.value("system calls", Results()), (None, None))

    def test_throughput_must_be_at_least_the_limit(self) -> None:
        results = results_with({OURS: 1}, "tls12_keepalive", 16, cpu_ns=1000)
        slower = results_with({CURL: 1}, "tls12_keepalive", 16, cpu_ns=1250)
        results.heats += slower.heats
        self.assertEqual(self.value("calls per CPU second", results), (1.25, False))

    def test_first_calls_and_system_calls(self) -> None:
        results = Results()
        results.first_calls_ns = {OURS: [3, 4, 5], CURL: [12], CURL_BEST: [9, 10, 11]}
        results.system_calls["tls12_keepalive", OURS] = {"read": 1.5, "write": 2.5}
        self.assertEqual(self.value("first call", results), (0.4, True))
        self.assertEqual(self.value("system calls", results), (4, True))

    def test_peers_are_recognized_by_name(self) -> None:
        names = {
            ("C", "libcurl"): "libcurl",
            ("Python", "pycurl"): "pycurl",
            ("Python", "requests"): "requests",
            ("Java", "JDK HttpClient"): "JDK HttpClient",
            ("Java", "HttpClient"): "JDK HttpClient",
            ("Java", "Apache HttpClient 5"): "Apache HttpClient",
            ("Java", "HttpsURLConnection"): None,
            ("Java", "OkHttp"): None,
            ("Java", "libdcs"): None,
            ("Python", "libdcs"): None,
            ("Go", "net/http"): "Go net/http",
            ("Node.js", "https"): "Node https",
            ("JavaScript", "node-https"): "Node https",
        }
        for (language, name), expected in names.items():
            entrant = Entrant(language, name, "best")
            found = [peer.name for peer in PEERS if peer.chosen(None)(entrant)]
            self.assertEqual(found, [expected] if expected else [], entrant)

    def test_this_library_is_compared_in_the_same_language(self) -> None:
        java = Entrant("Java", "libdcs", "default")
        self.assertEqual(ours_for("Java", [OURS, java, FLOOR]), java)
        self.assertEqual(ours_for("Go", [java, OURS]), OURS)
        self.assertIsNone(ours_for("Python", [java, OURS]))


class Reports(unittest.TestCase):
    def test_tables_have_ratios_to_the_floor_and_to_this_library(self) -> None:
        text = report.tables(results_with({FLOOR: 1_000_000, OURS: 1_200_000, CURL: 4_800_000}))
        lines = {line.split(",")[0]: line.split()[-2:] for line in text.splitlines() if "," in line}
        self.assertEqual(lines["libcurl (C)"], ["4.80", "0.25"])
        self.assertEqual(lines["libdcs (C)"][-1], "1.20")

    def test_a_chart_is_xml_with_a_bar_for_each_value(self) -> None:
        bars = [Bar("a <b>", 0.3, "ours"), Bar("c & d", 20, "peer", is_default=True)]
        svg = ET.fromstring(chart("1 < 2", "x", "ms", bars))
        lengths = [
            float(rect.get("width", ""))
            for rect in svg.iter("{http://www.w3.org/2000/svg}rect")
            if rect.get("class") != "ground"
        ]
        self.assertEqual(len(lengths), 2)
        self.assertLess(0, lengths[0])
        self.assertLess(lengths[0], lengths[1])

    def test_the_scale_is_logarithmic_if_a_bar_would_vanish(self) -> None:
        self.assertFalse(scale_for([1, 10]).is_log)
        self.assertEqual(scale_for([1, 10]).ticks(), [0, 2, 4, 6, 8, 10])
        self.assertTrue(scale_for([0.3, 20]).is_log)
        self.assertEqual(scale_for([0.3, 20]).ticks(), [0.2, 0.5, 1, 2, 5, 10, 20])

    def test_numbers_have_three_digits(self) -> None:
        self.assertEqual(
            [number(v) for v in (0.0234, 0.3, 2.5, 25, 1234.5)], ["0.0234", "0.300", "2.50", "25.0", "1234"]
        )


class Contenders(unittest.TestCase):
    def test_entrants_are_read_from_the_table(self) -> None:
        with TemporaryDirectory() as directory:
            source = Path(directory)
            (source / "contenders.json").write_text(
                '[{"name": "n", "language": "L", "variants": ["x", "y"],'
                ' "command": ["{dir}/p", "{source}/s"]}]'
            )
            table = Folder(source, Path("/out")).entrants()
            self.assertEqual(list(table), [Entrant("L", "n", "x"), Entrant("L", "n", "y")])
            self.assertEqual(table[Entrant("L", "n", "x")], ["/out/p", f"{directory}/s"])

    def test_an_incomplete_folder_is_reported(self) -> None:
        with TemporaryDirectory() as directory:
            folder = Folder(Path(directory), Path(directory) / "out")
            with self.assertRaisesRegex(ContenderError, "contenders.json"):
                folder.entrants()
            with self.assertRaisesRegex(ContenderError, "build.sh"):
                folder.build({})
            script = Path(directory) / "build.sh"
            script.write_text("#!/bin/sh\necho 'no network' >&2\nexit 3\n")
            script.chmod(0o755)
            with self.assertRaisesRegex(ContenderError, "no network"):
                folder.build({})

    def answer(self, program: str, limit_s: float = 30) -> Run:
        with Process([sys.executable, "-c", program]) as process:
            return process.run(2, 1, limit_s)

    def test_an_answer_is_parsed(self) -> None:
        program = """print(input() and '{"latencies_ns": [5, 6], "wall_ns": 11, "cpu_ns": 9}')"""
        self.assertEqual(self.answer(program), Run([5, 6], 11, 9))

    def test_the_error_quotes_a_contender_that_fails(self) -> None:
        for program, message in (
            ("import sys; sys.exit('HTTP 500')", "HTTP 500"),
            ("print(input() and 'hello')", "not JSON: hello"),
            ("""print(input() and '{"latencies_ns": [5, 6]}')""", "lacks a figure"),
            ("""print(input() and '{"latencies_ns": [], "wall_ns": 1, "cpu_ns": 1}')""", "0 latencies"),
        ):
            with self.assertRaisesRegex(ContenderError, message):
                self.answer(program)
        with self.assertRaisesRegex(ContenderError, "cannot start"):
            Process(["/nowhere/program"])

    def test_a_contender_that_hangs_is_killed(self) -> None:
        with self.assertRaisesRegex(ContenderError, "no answer"):
            self.answer("import time; time.sleep(600)", limit_s=0.2)

    def test_a_process_is_timed_and_its_status_returned(self) -> None:
        nanoseconds, status = race.time_process([sys.executable, "-c", "raise SystemExit(3)"])
        self.assertEqual(status, 3)
        self.assertGreater(nanoseconds, 0)

    def test_contenders_are_selected_by_name_variant_or_language(self) -> None:
        field = [FLOOR, OURS, CURL, CURL_BEST]
        for only, expected in (
            (None, field),
            (["c"], [OURS, CURL, CURL_BEST]),
            (["FLOOR", "libdcs"], [FLOOR, OURS]),
            (["libcurl, best"], [CURL_BEST]),
        ):
            self.assertEqual([e for e in field if race.is_selected(e, only)], expected)


if __name__ == "__main__":
    unittest.main()
