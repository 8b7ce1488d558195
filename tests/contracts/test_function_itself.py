"""What the decorator returns is the function that was written: nothing stands between."""

import inspect
import pickle
import pydoc
import types

import arraylosses as al

from ..suite import every_loss


@every_loss
def test_it_is_a_plain_function(call):
    assert type(call.spec.function) is types.FunctionType
    assert not hasattr(call.spec.function, "__wrapped__")


@every_loss
def test_it_is_public_under_its_name(call):
    assert getattr(al, call.spec.name) is call.spec.function
    assert call.spec.name in al.__all__


@every_loss
def test_it_pickles_as_itself(call):
    assert pickle.loads(pickle.dumps(call.spec.function)) is call.spec.function


@every_loss
def test_its_arguments_are_arrays_by_position_and_the_rest_by_name(call):
    parameters = inspect.signature(call.spec.function).parameters
    by_position = [k for k, p in parameters.items() if p.kind is not p.KEYWORD_ONLY]
    by_both = {k for k, p in parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD}
    by_name = [k for k, p in parameters.items() if p.kind is p.KEYWORD_ONLY]
    assert by_position == list(call.spec.arrays)
    assert by_both <= call.spec.optional
    assert by_position + by_name == list(parameters)
    assert by_name[-4:] == ["sample_weight", "where", "reduction", "normalizer"]


@every_loss
def test_every_argument_and_the_result_are_annotated(call):
    annotations = set(call.spec.function.__annotations__)
    assert annotations == {*inspect.signature(call.spec.function).parameters, "return"}


@every_loss
def test_help_shows_its_signature(call):
    page = pydoc.plain(pydoc.render_doc(call.spec.function))
    assert f"{call.spec.name}({call.first}: " in page
