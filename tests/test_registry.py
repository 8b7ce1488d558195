"""A declaration that does not fit its function is refused when it is made."""

import types

import pytest

from arraylosses._core.domains import CLASSES, REAL
from arraylosses._core.parameters import NUMBER
from arraylosses._core.registry import LOSSES, loss

from .calls import EVIDENCE


@pytest.fixture(autouse=True)
def _registry_as_it_was(monkeypatch):
    monkeypatch.setattr("arraylosses._core.registry.LOSSES", dict(LOSSES))


def proper(pred, target, /, *, sample_weight=None, where=None, reduction="mean", normalizer=None):
    """A function such as a declaration needs."""


def with_option(
    pred, target, /, *, beta=1.0, sample_weight=None, where=None, reduction="mean", normalizer=None
):
    """A function with a parameter."""


def unreduced(pred, target, /, *, sample_weight=None, reduction="mean"):
    """A function that lacks arguments."""


def refusal(function, signature="(...), (...) -> (...)", **facts):
    with pytest.raises(TypeError) as error:
        loss(signature, **facts)(function)
    return str(error.value)


def test_every_loss_has_evidence():
    assert sorted(LOSSES.keys() - EVIDENCE.keys()) == []


def test_all_evidence_is_for_a_loss():
    assert sorted(EVIDENCE.keys() - LOSSES.keys()) == []


def test_declared_function_is_the_function():
    assert loss("(...), (...) -> (...)", pred=REAL, target=REAL)(proper) is proper
    assert proper.loss.arrays == ("pred", "target")


def test_array_without_a_domain():
    expected = "@loss on proper: domains are declared for ('pred',), but the arrays are ('pred', 'target')"
    assert refusal(proper, pred=REAL) == expected


def test_arrays_in_another_order():
    expected = (
        "@loss on proper: domains are declared for ('target', 'pred'), but the arrays are ('pred', 'target')"
    )
    assert refusal(proper, target=REAL, pred=REAL) == expected


def test_signature_of_another_number_of_arrays():
    expected = "@loss on proper: the signature does not have 2 arrays"
    assert refusal(proper, "(...) -> (...)", pred=REAL, target=REAL) == expected


def test_missing_arguments():
    expected = "@loss on unreduced: there is no argument where, normalizer"
    assert refusal(unreduced, pred=REAL, target=REAL) == expected


def test_parameter_without_a_rule():
    expected = "@loss on with_option: rules are declared for [], but the options are ['beta']"
    assert refusal(with_option, pred=REAL, target=REAL) == expected


def test_rule_without_a_parameter():
    expected = "@loss on proper: rules are declared for ['beta'], but the options are []"
    assert refusal(proper, pred=REAL, target=REAL, beta=NUMBER) == expected


def test_what_is_no_rule():
    expected = "@loss on with_option: beta is neither a domain nor a rule"
    assert refusal(with_option, pred=REAL, target=REAL, beta=1.0) == expected


def test_two_losses_of_one_name(monkeypatch):
    loss("(...), (...) -> (...)", pred=REAL, target=REAL)(proper)
    monkeypatch.setattr(proper.loss.function, "__module__", "elsewhere")
    namesake = types.FunctionType(proper.__code__, {"__name__": "here"}, "proper", proper.__defaults__)
    namesake.__kwdefaults__ = proper.__kwdefaults__
    assert refusal(namesake, pred=REAL, target=REAL) == "@loss on proper: the name is taken"


def test_all_problems_at_once():
    expected = (
        "@loss on unreduced: the signature does not have 2 arrays; there is no argument where, normalizer"
    )
    assert refusal(unreduced, "(...) -> (...)", pred=REAL, target=REAL) == expected


@pytest.mark.parametrize("signature", ["(...), (...)", "-> (...)", "(...) -> ", "(...) -> (...), (...)"])
def test_what_is_no_signature(signature):
    expected = f"{signature!r} is not a signature such as '(..., c), (...) -> (...)'"
    assert refusal(proper, signature, pred=REAL, target=REAL) == expected


def test_what_is_no_dimension():
    assert refusal(proper, "(N), (N) -> (N)", pred=REAL, target=REAL) == "'N' is not the shape of an array"


def test_two_open_parts():
    expected = "'..., *s' has more than one part of open length"
    assert refusal(proper, "(..., *s), (...) -> (...)", pred=REAL, target=REAL) == expected


def test_alternatives_may_differ_in_domain():
    forms = "(..., c), (...) -> (...) | (..., c), (..., c) -> (...)"
    loss(forms, pred=REAL, target=(CLASSES, REAL))(proper)
    assert not proper.loss.same_kind("target")
    assert proper.loss.labelled
