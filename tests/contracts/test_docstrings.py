"""Every loss is documented in full: formula, arguments, edges, paper, and an example that runs."""

import ast
import doctest
import inspect
from fractions import Fraction

import pytest

from ..suite import every_loss

docscrape = pytest.importorskip("numpydoc.docscrape")
SECTIONS = ("Parameters", "Returns", "Raises", "Notes", "References", "Examples")


def page(call):
    return docscrape.FunctionDoc(call.spec.function)


@every_loss
def test_has_every_section(call):
    document = page(call)
    assert [section for section in SECTIONS if not document[section]] == []


@every_loss
def test_begins_with_one_sentence(call):
    summary = page(call)["Summary"]
    assert len(summary) == 1
    assert summary[0].endswith(".")


@every_loss
def test_states_its_formula_before_its_parameters(call):
    head = inspect.getdoc(call.spec.function).partition("\nParameters\n")[0]
    assert ".. math::" in head


@every_loss
def test_describes_every_parameter_in_order(call):
    described = [name for p in page(call)["Parameters"] for name in p.name.split(", ")]
    assert described == list(inspect.signature(call.spec.function).parameters)


@every_loss
def test_says_what_every_parameter_is(call):
    for parameter in page(call)["Parameters"]:
        assert parameter.desc, parameter.name
        assert parameter.type or ", " in parameter.name  # those that share a description


def as_written(value):
    """What a text stands for: a literal, or a fraction such as 1/9."""
    return float(Fraction(value)) if "/" in value else ast.literal_eval(value)


@every_loss
def test_states_the_defaults_of_its_parameters(call):
    defaults = {k: p.default for k, p in inspect.signature(call.spec.function).parameters.items()}
    for parameter in page(call)["Parameters"]:
        default = defaults.get(parameter.name, inspect.Parameter.empty)
        if default is None:
            assert parameter.type.endswith(("optional", "default None"))
        elif default is not inspect.Parameter.empty:
            _, stated, value = parameter.type.partition("default ")
            assert stated, f"{parameter.name} does not state its default, {default!r}"
            assert as_written(value) == default


@every_loss
def test_passes_numpydoc(call):
    from numpydoc.validate import validate

    # Not asked for: a second line to start on, a long summary, cross references, a type for arguments
    # that share a description, "int" for the dtype of an array, a verb where a name ends in s.
    not_ours = {"GL01", "ES01", "SA01", "PR04", "PR06", "SS05"}
    found = validate(f"{call.spec.function.__module__}.{call.spec.name}")["errors"]
    assert [error for error in found if error[0] not in not_ours] == []


@every_loss
def test_example_runs(call):
    function = call.spec.function
    finder = doctest.DocTestFinder(recurse=False)
    examples = finder.find(function, name=call.spec.name, globs=dict(function.__globals__))
    assert any(test.examples for test in examples)
    for test in examples:
        report = []
        doctest.DocTestRunner().run(test, out=report.append)
        assert report == [], "".join(report)
