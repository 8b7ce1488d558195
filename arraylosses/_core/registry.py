"""What the library knows about each loss: the `@loss` decorator and the list it fills.

Machine facts stand in the decorator: the shapes of the arrays and of the items, the domain of every
array, the rule of every parameter. Human facts stand in the docstring. The decorator returns the
function itself, so that signature, help, pickling and tracebacks stay the truth.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from .domains import Domain
from .errors import Words, refuse
from .parameters import ArrayRule, AxisRule, Rule
from .signature import Dims, Signature, parse_dims

F = TypeVar("F", bound=Callable[..., Any])

REDUCTION_ARGUMENTS = ("sample_weight", "where", "reduction", "normalizer")
# Arguments that enter() itself understands, and so need no rule.
FRAME_ARGUMENTS = (*REDUCTION_ARGUMENTS, "ignore_index")
LOSSES: dict[str, Loss] = {}


@dataclass(eq=False)
class Loss:
    """The facts about one loss. `where` and `sample_weight` have the dimensions `mask` and `weights`.

    By default these are those of the items. A dimension in `tied` is as large as the one that it stands
    for, unless an array says otherwise.
    """

    function: Callable[..., Any]
    signatures: tuple[Signature, ...]
    domains: dict[str, tuple[Domain, ...]]
    rules: dict[str, Rule | ArrayRule | AxisRule]
    mask: Dims
    parts: tuple[str, ...]
    weights: Dims
    tied: dict[str, str]

    def __post_init__(self) -> None:
        self.name: str = self.function.__name__
        self.family: str = self.function.__module__.rpartition(".")[2]  # the chapter it stands in
        self.arrays: tuple[str, ...] = tuple(self.domains)
        self.parameters = parameters = inspect.signature(self.function).parameters
        self.optional: frozenset[str] = frozenset(
            k for k in self.arrays if k in parameters and parameters[k].default is None
        )
        # Whether structures of arrays may take the place of some array.
        self.nested: bool = any(d.nested for forms in self.domains.values() for d in forms)
        # Whether some argument has to be inspected for illegal or ignored labels.
        self.labelled: bool = any(d.poison or not d.dense for forms in self.domains.values() for d in forms)

    def mask_in(self, form: int) -> Dims:
        """The dimensions of `where` in one alternative of the signature."""
        return self.signatures[form].items if self.mask == self.signatures[0].items else self.mask

    def weights_in(self, form: int, items: Dims) -> Dims:
        """The dimensions of `sample_weight` in one alternative of the signature that has these items."""
        return items if self.weights == self.signatures[0].items else self.weights

    def same_kind(self, array: str) -> bool:
        """Whether every alternative of the signature takes the same dtypes for an array."""
        return len({domain.dense for domain in self.domains[array]}) == 1


def loss(
    signature: str,
    *,
    mask: str | ArrayRule | None = None,
    parts: tuple[str, ...] = (),
    weighed: str | None = None,
    tied: tuple[str, str] | None = None,
    **facts: Any,
) -> Callable[[F], F]:
    """Declare a loss.

    `signature` gives the shapes (see `signature.py`); `mask` and `weighed` those of `where` and of
    `sample_weight`, if not the items'; `parts` the field names of the result, if it is a tuple whose
    first field is the loss; `tied` a dimension that is as large as another one where no array has it.
    Every other keyword is the domain of an array or the rule of a parameter, which may be called `mask` too.
    """
    if isinstance(mask, ArrayRule):
        facts, mask = facts | {"mask": mask}, None

    def declare(function: F) -> F:
        signatures = tuple(Signature.parse(part) for part in signature.split("|"))
        domains = {
            k: v if isinstance(v, tuple) else (v,) * len(signatures)
            for k, v in facts.items()
            if _is_domain(v)
        }
        rules = {k: v for k, v in facts.items() if k not in domains}
        items = signatures[0].items
        spec = Loss(
            function,
            signatures,
            domains,
            rules,
            parse_dims(mask) if mask else items,
            parts,
            parse_dims(weighed) if weighed else items,
            dict([tied]) if tied else {},
        )
        _check(spec)
        LOSSES[spec.name] = spec
        function.loss = spec  # type: ignore[attr-defined]
        return function

    return declare


def spec_of(loss: str | Callable[..., Any], caller: str) -> Loss:
    """What is known of a loss, given by itself or by its name."""
    spec = LOSSES.get(loss) if isinstance(loss, str) else getattr(loss, "loss", None)
    if isinstance(spec, Loss):
        return spec
    if not isinstance(loss, str):
        got = getattr(loss, "__name__", type(loss).__name__)
        raise refuse(caller, "loss", "be a loss of arraylosses, or its name", Words(got), TypeError)
    near = difflib.get_close_matches(loss, LOSSES, n=3, cutoff=0.75)
    hint = f" (near it: {', '.join(near)})" if near else " (arraylosses list has them all)"
    raise refuse(caller, "loss", "be the name of a loss", Words(repr(loss) + hint))


def _is_domain(fact: Any) -> bool:
    return isinstance(fact, Domain) or (isinstance(fact, tuple) and all(isinstance(f, Domain) for f in fact))


def _check(spec: Loss) -> None:
    """Hold a declaration against the function it declares."""
    parameters = spec.parameters
    positional = tuple(k for k, p in parameters.items() if p.kind is not p.KEYWORD_ONLY)
    options = set(parameters) - set(positional) - set(FRAME_ARGUMENTS)
    problems = []
    if spec.name in LOSSES and LOSSES[spec.name].function.__module__ != spec.function.__module__:
        problems.append("the name is taken")
    if positional != spec.arrays:
        problems.append(f"domains are declared for {spec.arrays}, but the arrays are {positional}")
    if any(len(s.inputs) != len(positional) for s in spec.signatures):
        problems.append(f"the signature does not have {len(positional)} arrays")
    if missing := [a for a in REDUCTION_ARGUMENTS if a not in parameters]:
        problems.append(f"there is no argument {', '.join(missing)}")
    if options != set(spec.rules):
        problems.append(f"rules are declared for {sorted(spec.rules)}, but the options are {sorted(options)}")
    if wrong := [k for k, v in spec.rules.items() if not isinstance(v, (Rule, ArrayRule, AxisRule))]:
        problems.append(f"{', '.join(wrong)} is neither a domain nor a rule")
    if problems:
        raise TypeError(f"@loss on {spec.name}: {'; '.join(problems)}")
