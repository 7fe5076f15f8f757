import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # benchmarks/ is no part of the installed package

from benchmarks import guard, processes, report, scaling, startup  # noqa: E402
from benchmarks.race import limits  # noqa: E402
from benchmarks.race.referee import ratios  # noqa: E402
from benchmarks.race.workloads import WORKLOADS  # noqa: E402
from benchmarks.tables import duration  # noqa: E402

W3 = WORKLOADS["W3"]


def test_products_of_w3():
    forward = {(128, 784, 512): 1, (128, 512, 256): 1, (128, 256, 10): 1}
    weights = {(784, 128, 512): 1, (512, 128, 256): 1, (256, 128, 10): 1}
    inputs = {(128, 256, 512): 1, (128, 10, 256): 1}  # not of the first layer
    assert dict(limits.products_of(W3)) == forward | weights | inputs


def test_operations_and_bytes_of_w3():
    assert limits.operations(W3) == 2 * 128 * (2 * 784 * 512 + 3 * (512 * 256 + 256 * 10))  # 308 million
    assert limits.bytes_of_update(W3) == 28 * 535_818
    assert limits.bytes_of_fetch(W3) == 8 * 128 * 784
    assert limits.bytes_of_fetch(WORKLOADS["W4"]) == 0


def test_every_way_gives_the_product():
    from benchmarks.race.limits.products import ways

    results = [way() for way in ways((64, 24, 128))]
    assert len(results) == 4 + 3
    for result in results[4:]:  # blocks (M/r, N/c, r, c) of the same product
        whole = result.transpose(0, 2, 1, 3).reshape(64, 128)
        assert abs(whole - results[0]).max() < 1e-4


def test_slopes():
    assert scaling.slopes([1, 2, 4], [3.0, 6.0, 24.0]) == pytest.approx([1.0, 2.0])


@pytest.mark.parametrize("kind", scaling.SIZES)
def test_sizes_that_scale_have_full_batches(kind):
    for size in scaling.SIZES[kind]:
        workload = scaling.workload_of(kind, size)
        assert workload.examples % workload.batch == 0
        assert workload.batch < workload.examples
        assert workload.steps > 1


def test_ratios_are_round_by_round():
    found = ratios({"ours": [1.0, 2.0, 3.0], "other": [2.0, 2.0, 2.0]})
    assert found["other"] == {"median": 1.0, "low": 0.5, "high": 1.5}


@pytest.mark.parametrize(
    ("seconds", "expected"), [(8.6e-6, "8.6 µs"), (2.1e-3, "2,100 µs"), (0.0519, "51.9 ms"), (12.34, "12.3 s")]
)
def test_duration(seconds, expected):
    assert duration(seconds) == expected


def result(kind, rows):
    machine = {"versions": {"numpy": "2.4.6", "torch": None}, "blas": [{"version": "1", "architecture": "Zen"}]}
    machine |= {"git": None, "cores": 2, "processor": "P", "python": "3.11"}
    load = {"before": [0.1], "after": [0.2]}
    return {"kind": kind, "when": "now", "machine": machine, "load_average": load, "rows": rows}


def test_report_fills_its_sections_and_no_other(tmp_path):
    page, file = tmp_path / "page.md", tmp_path / "memory.json"
    page.write_text(
        "Above.\n<!-- benchmarks memory -->\nold\n<!-- end -->\n<!-- benchmarks race -->\nx\n<!-- end -->\n"
    )
    rows = [
        {"workload": "W1", "threads": 1, "bytes": {"ours": 5e6}},
        {"workload": "W2", "threads": 1, "bytes": {"ours": 6e7, "torch_eager": 3e8}},
        {"workload": "W1", "threads": 1, "bytes": {"ours": 7e6}},  # measured again: the last one counts
    ]
    file.write_text(json.dumps(result("memory", rows)))
    assert report.main([str(file), "--page", str(page)]) == 0
    assert page.read_text().splitlines() == [
        "Above.",
        "<!-- benchmarks memory -->",
        "| workload | dlspec | torch eager |",
        "|---|---:|---:|",
        "| W1 | 7 MB | – |",
        "| W2 | 60 MB | 300 MB |",
        "",
        "<sub>now, commit unknown, 2 cores of P, OpenBLAS Zen 1, Python 3.11, numpy 2.4.6; "
        "load average 0.1 before, 0.2 after.</sub>",
        "<!-- end -->",
        "<!-- benchmarks race -->",
        "x",
        "<!-- end -->",
    ]


def test_report_refuses_a_page_without_a_place():
    with pytest.raises(ValueError, match="no section <!-- benchmarks race -->"):
        report.filled("# Empty\n", [result("race", [])])


def test_the_page_has_a_place_for_every_kind():
    page = report.PAGE.read_text()
    assert [kind for kind in report.KINDS if f"<!-- benchmarks {kind} -->\n" not in page] == []


def test_processes_in_turn_and_one_that_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(processes.machine, "pin", lambda cores: None)  # noqa: ARG005
    programs = {"good": [[sys.executable, "-c", "pass"]], "bad": [[sys.executable, "-c", "import no_such"]]}
    found = processes.in_turn(programs, cwd=tmp_path, threads=1, rounds=2)
    assert [len(seconds) for seconds in found["seconds"].values()] == [2]
    assert found["missing"] == {"bad": "ModuleNotFoundError: No module named 'no_such'"}


def test_sum_of_imports(tmp_path):
    assert 0 < startup.seconds_of_imports(["-c", "import json"], cwd=tmp_path, threads=1) < 10


def test_the_guard_takes_dlspec_from_the_base_even_in_the_working_tree(tmp_path):
    (tmp_path / "dlspec").mkdir()
    (tmp_path / "dlspec" / "__init__.py").write_text("")
    (tmp_path / "where.py").write_text("import benchmarks, dlspec; print(dlspec.__file__, benchmarks.__file__)")
    environment = os.environ | guard.with_package_of(tmp_path)
    found = subprocess.run([sys.executable, "-m", "where"], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert found.stdout.split() == [str(tmp_path / "dlspec" / "__init__.py"), str(ROOT / "benchmarks" / "__init__.py")]
