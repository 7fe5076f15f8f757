"""The figures that are published of the planted situations."""

from benchmarks.diagnosis import summary
from benchmarks.diagnosis.measuring import is_alarm, wrong
from benchmarks.diagnosis.situation import BIAS, BOTH, HEALTHY, MISMATCH


def result(name, expected, verdicts, *, findings=(), diverged=0, **more):
    return {
        "name": name,
        "expected": [expected],
        "verdicts": verdicts,
        "findings": list(findings),
        "diverged": diverged,
    } | more


RESULTS = [
    result("sound", HEALTHY, [HEALTHY, HEALTHY]),
    result("called ill", HEALTHY, [HEALTHY, BIAS]),
    result("found in", HEALTHY, [HEALTHY, HEALTHY], findings=["dead units"]),
    result("helped", BIAS, [BIAS, BIAS], actions=["grow"], helps=True, before=[0.5, 0.3], after=[0.1, 0.1]),
    result("not helped", BIAS, [BIAS, BOTH], actions=["grow"], helps=False, before=[0.5, 0.3], after=[0.5, 0.2]),
    result("blown up", BIAS, [BIAS], diverged=1, actions=["slow down"], helps=False, before=[0.5], after=[0.5]),
    result("for a person", MISMATCH, [MISMATCH, MISMATCH], actions=["look"]),
]


def test_the_shares():
    assert str(summary.verdicts(RESULTS)) == "11 of 14 (78.6 %)"
    assert str(summary.actions(RESULTS)) == "1 of 3 (33.3 %)"
    assert str(summary.alarms(RESULTS)) == "2 of 3 (66.7 %)"
    assert str(summary.verdicts([])) == "0 of 0"


def test_what_is_wrong_is_told():
    assert [wrong(each) for each in RESULTS] == [0, 1, 0, 0, 1, 1, 0]
    assert [is_alarm(each) for each in RESULTS[:3]] == [False, True, True]
    assert summary.confusion(RESULTS) == [
        (HEALTHY, BIAS, 1),
        (BIAS, BOTH, 1),
        (BIAS, "no report: diverged", 1),
    ]
    text = summary.markdown({"all": RESULTS})
    assert "| called ill | low bias, low variance | high bias | 1 |" in text
    assert "| not helped | grow | 0.400 → 0.350 |" in text
    assert "not counted: for a person." in text
