"""Where more data stands among the actions once a learning curve was measured."""

import pytest

from dlspec.diagnosis.actions import actions_of
from dlspec.diagnosis.more_data import MORE_DATA, ranked

from .test_actions import evidence_of

ACTIONS = [
    {"action": "train longer", "gap": "bias", "reason": "", "effect": ""},
    {"action": "regularize", "gap": "variance", "reason": "", "effect": ""},
    {"action": f"{MORE_DATA} than 100 examples", "gap": "variance", "reason": "", "effect": ""},
    {"action": "stop early", "gap": "variance", "reason": "", "effect": ""},
]


def curve(low, high, gain=0.02):
    doubled = {"examples": 200, "dev_error": 0.05, "gain": gain, "low": low, "high": high}
    return {"seeds": [1, 2, 3], "doubled": doubled, "verdict": "what it says"}


@pytest.mark.parametrize(
    ("found", "places"),
    [
        (curve(0.01, 0.03), [0, 2, 1, 3]),  # it surely helps: first against its gap
        (curve(-0.01, 0.05), [0, 1, 2, 3]),  # it may not
        (curve(0.0, 0.04), [0, 1, 2, 3]),
        (curve(0.001, 0.003, gain=0.002), [0, 1, 3, 2]),  # surely, but by next to nothing
        (curve(None, None, gain=0.002), [0, 1, 3, 2]),
        (curve(None, None), [0, 1, 2, 3]),  # nobody knows
        ({"seeds": [1], "doubled": None, "verdict": "diverged"}, [0, 1, 2, 3]),
    ],
)
def test_the_order(found, places):
    names = [action["action"] for action in ranked(ACTIONS, found)]
    assert names == [ACTIONS[place]["action"] for place in places]


def test_the_reason_is_what_was_measured():
    action = ranked(ACTIONS, curve(0.01, 0.03))[1]
    known = "learning curve; 95 % over 3 seeds: -3.0% to -1.0%"
    assert action["reason"] == f"measured: 200 examples would give a dev error of 5.0%, -2.0% ({known})"
    assert action["effect"] == "what it says"
    assert ACTIONS[2]["reason"] == ""
    assert ranked(ACTIONS, curve(None, None))[2]["reason"].endswith("-2.0% (learning curve)")


def test_where_nobody_speaks_of_more_data():
    assert ranked(ACTIONS[:2], curve(0.01, 0.03)) == ACTIONS[:2]


def test_the_action_is_known_by_its_words(tmp_path):
    actions = actions_of(evidence_of(tmp_path, "data: {path: a.csv}\n", train=0.0, dev=0.2))
    assert sum(action.action.startswith(MORE_DATA) for action in actions) == 1
