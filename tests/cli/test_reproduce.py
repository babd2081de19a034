"""``megacurie reproduce``."""

import json
import re
from dataclasses import replace

import pytest

from megacurie.studies import published

ROW = {"id", "what", "published", "plus", "minus", "unit", "computed", "deviation", "within", "status", "why", "ref", "where"}
SUMMARY = {"reproduced", "explained", "open", "skipped", "failed"}


def test_json_has_the_keys_of_the_issue_and_its_summary_counts_its_rows(megacurie):
    run = megacurie("reproduce", "best-2022", "--json")
    assert (run.code, run.err, run.written) == (0, "", frozenset())
    assert run.json.keys() == {"rows", "summary"}
    rows, summary = run.json["rows"], run.json["summary"]
    assert all(row.keys() == ROW for row in rows)
    assert summary == {status: sum(row["status"] == status for row in rows) for status in SUMMARY}
    assert {row["id"].split(".")[0] for row in rows} == {"best-2022"}
    for row in rows:
        assert row["deviation"] == pytest.approx(row["computed"] / row["published"] - 1, abs=1e-12)  # the same division, rounded twice


def test_predicted_rate_of_best(megacurie):
    (row,) = megacurie("reproduce", "best-2022.inner.predicted", "--json").json["rows"]
    assert (row["published"], row["plus"], row["minus"], row["unit"], row["status"]) == (69.41, 2.5, 2.0, "1/d", "reproduced")
    assert row["computed"] == pytest.approx(69.286, abs=1e-3)  # 1.3317 per cm and day times 52.03 cm


def test_whole_ends_with_two_lines_for_a_newcomer(megacurie):
    run = megacurie("reproduce")
    assert run.code == 0
    *_, first, second = run.out.splitlines()
    assert first == "Gallium detectors count 20 % fewer neutrinos than expected: 3.8 to 6.6 sigma, by cross section and treatment of its error."
    found = re.fullmatch(r"(\d+) of (\d+) published numbers reproduced, (\d+) explained, (\d+) open(, \d+ skipped)?\.", second)
    assert found
    reproduced, rows, explained, unexplained = map(int, found.groups()[:4])
    assert rows == len(published.rows()) >= reproduced + explained + unexplained
    assert "failed" not in run.out


def test_an_id_is_a_row_or_its_beginning_up_to_a_dot(megacurie):
    def ids(*names):
        return [row["id"] for row in megacurie("reproduce", *names, "--json").json["rows"]]

    assert ids("best-2022.outer.ratio") == ["best-2022.outer.ratio", "best-2022.outer.ratio.error"]
    assert ids("best-2022.outer.ratio.error") == ["best-2022.outer.ratio.error"]
    assert {name.split(".")[0] for name in ids("giunti-2022")} == {"giunti-2022"}  # not giunti-2022b
    assert {name.split(".")[0] for name in ids("elliott-2024", "pre-best")} == {"elliott-2024", "pre-best"}


def test_some_rows_end_with_their_count(megacurie):
    run = megacurie("reproduce", "best-2022.inner.measured")
    assert run.out.splitlines()[-1] == "1 of 1 published numbers reproduced, 0 explained, 0 open."


@pytest.mark.parametrize(
    ("change", "status", "why"),
    [
        ({"value": 70.0}, "failed", "outside 0.3 %: "),
        ({"status": "open", "reached": "70.0", "why": "No reason."}, "failed", "drifted from 70.0, the value reached before. No reason."),
    ],
)
def test_a_row_that_fails_ends_with_exit_1_and_says_why(megacurie, monkeypatch, change, status, why):
    (row,) = (row for row in published.rows() if row.id == "best-2022.inner.predicted")
    monkeypatch.setattr(published, "rows", lambda: (replace(row, **change),))
    run = megacurie("reproduce", "--json")
    assert run.code == 1
    assert run.json["summary"] == {"reproduced": 0, "explained": 0, "open": 0, "skipped": 0, "failed": 1}
    assert run.json["rows"][0]["status"] == status
    assert run.json["rows"][0]["why"].startswith(why)
    text = megacurie("reproduce")
    assert text.code == 1
    assert text.out.splitlines()[-1] == "0 of 1 published numbers reproduced, 0 explained, 0 open, 1 failed."
    assert f"  failed: inner.predicted: {why}" in text.out


def test_a_slow_row_is_skipped_unless_named_or_all_is_given(megacurie, monkeypatch):
    (row,) = (row for row in published.rows() if row.id == "best-2022.inner.measured")
    monkeypatch.setattr(published, "rows", lambda: (replace(row, slow=True),))
    skipped = megacurie("reproduce", "--json").json
    assert skipped["summary"]["skipped"] == 1
    assert (skipped["rows"][0]["computed"], skipped["rows"][0]["why"]) == (None, "needs more than two seconds: name it, or give --all")
    assert megacurie("reproduce", row.id, "--json").json["summary"]["reproduced"] == 1
    assert megacurie("reproduce", "--all", "--json").json["summary"]["reproduced"] == 1


def test_output_goes_to_a_file_and_nothing_to_stdout(megacurie, folder):
    run = megacurie("reproduce", "best-2022.inner", "--json", "-o", "rows.json")
    assert (run.code, run.out, run.err, run.written) == (0, "", "", {"rows.json"})
    assert json.loads((folder / "rows.json").read_text()).keys() == {"rows", "summary"}


def test_installed_command(program):
    run = program("reproduce", "best-2022.inner.measured", "--json")
    assert (run.code, run.err) == (0, "")
    assert run.json["summary"]["reproduced"] == 1
