"""Entry and exit of a loss: everything that every loss does before and after its mathematics.

`enter` finds the namespace, checks what is static (libraries, devices, dtypes, shapes, parameters),
promotes, and replaces masked elements by a safe value. The `Exit` it returns weighs, masks and
reduces the items. Neither owns a loop, so they serve pointwise, class, box, pair and sequence
losses alike.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

from . import debugging, errors
from .companions import common_namespace, require_companion
from .domains import Domain
from .errors import Words, refuse
from .namespaces import device, dtype_name, index_dtype, kind, namespace, settle, traced_namespace
from .nested import regrouped, unfolded
from .numeric import keep
from .parameters import IGNORE_INDEX, ArrayRule, AxisRule, Rule
from .reductions import Exit
from .registry import Loss
from .signature import (
    Dims,
    Signature,
    Sizes,
    agree,
    covers,
    fits,
    natural_axis,
    parse_dims,
    shape_of,
    sizes_of,
    spread_shape,
    write,
)
from .structures import is_structure

Array = Any
Namespace = Any


def enter(
    function: Callable[..., Any],
    arrays: tuple[Any, ...],
    sample_weight: Any,
    where: Any,
    reduction: str,
    normalizer: Any,
    *,
    items: str | None = None,
    masks: str | None = None,
    ignore_index: int | None = None,
    **parameters: Any,
) -> tuple[Any, ...]:
    """Begin a loss: `(xp, *arrays, *parameters, done)`.

    The arrays come back in one floating dtype, in the axis order of the signature, masked elements
    replaced, labels in range, and those in structures back in them; the parameters checked (those that
    choose an axis have done their work and do not come back); `done` is the exit. `items` is the shape
    of the items where an option makes it another than the signature's, `masks` likewise that of `where`,
    and `ignore_index` the label that takes an item out.
    """
    spec: Loss = function.loss  # type: ignore[attr-defined]
    loss = spec.name
    if reduction not in ("none", "sum", "mean"):
        raise refuse(loss, "reduction", errors.REDUCTION, reduction)
    if normalizer is not None and reduction != "mean":
        raise refuse(loss, "normalizer", errors.ONLY_WITH_MEAN, normalizer)
    if ignore_index is not None and type(ignore_index) is not int:
        raise refuse(loss, "ignore_index", errors.INTEGER_OR_NONE, ignore_index)
    structures = arrays if spec.nested and any(map(is_structure, arrays)) else None
    if structures is not None:
        spec, arrays = unfolded(spec, arrays)
    axes: dict[str, int] = {}
    for name, value in tuple(parameters.items()):
        if type(rule := spec.rules[name]) is Rule:
            parameters[name] = check_parameter(loss, name, value, rule)
        elif type(rule) is ArrayRule and rule.numbers and not hasattr(value, "shape"):
            parameters[name] = check_parameter(loss, name, value, rule.numbers)
        elif type(rule) is AxisRule:
            axes |= check_axes(loss, name, parameters.pop(name), rule)

    traced = traced_namespace((*arrays, sample_weight, where, normalizer, *parameters.values()))
    if traced is not None:  # plain arrays beside traced ones are constants
        lift = traced.constant
        arrays, sample_weight, where, normalizer = (
            tuple(map(lift, arrays)),
            *map(lift, (sample_weight, where, normalizer)),
        )
        parameters = {k: lift(v) for k, v in parameters.items()}

    xp = common_namespace(spec, arrays)
    signature, form = spec.signatures[0], 0
    if len(spec.signatures) > 1:
        form = choose(spec, xp, arrays)
        signature = spec.signatures[form]
    if ignore_index not in (None, IGNORE_INDEX) and all(each[form].dense for each in spec.domains.values()):
        raise refuse(loss, "ignore_index", errors.ONLY_WITH_LABELS, ignore_index)
    arrays, dtype = promote(spec, form, xp, arrays)
    if axes and (axes := resolve(spec, signature.inputs[0], arrays[0], axes)):
        arrays = tuple(arrange(xp, x, dims, axes) for x, dims in zip(arrays, signature.inputs, strict=True))

    first = arrays[0]
    if signature.pointwise and all(x is None or x.shape == first.shape for x in arrays):
        sizes: Sizes = {"...": first.shape}
    else:
        sizes = bind(spec, form, signature, arrays)
    sizes.setdefault("c", 2)  # labels without a class axis are of two classes
    for dim, other in spec.tied.items():
        sizes.setdefault(dim, sizes[other])
    item_dims = signature.items if items is None else parse_dims(items)
    shape = shape_of(item_dims, sizes)

    for name, value in parameters.items():
        plain = type(value) in (float, int, bool, str, tuple)
        if value is None or (plain and type(spec.rules[name]) is not ArrayRule):
            continue
        counts = {k: v for k, v in parameters.items() if type(v) is int}  # such as that of bins
        parameters[name] = array_parameter(spec, xp, name, value, first, dtype, sizes | counts, axes)

    done = Exit(xp, shape, dtype, reduction, form)
    if normalizer is not None:
        done.normalizer = as_normalizer(spec, xp, normalizer, first, dtype)
    if sample_weight is not None:
        done.weight = as_weight(
            spec, xp, sample_weight, first, dtype, spec.weights_in(form, item_dims), sizes
        )
    mask_dims = spec.mask_in(form) if masks is None else parse_dims(masks)
    if where is not None:
        done.where = as_mask(spec, xp, where, first, mask_dims, sizes, axes)
    if sample_weight is not None or where is not None or spec.labelled:
        arrays = sanitise(spec, signature, item_dims, mask_dims, xp, arrays, sizes, done, ignore_index, form)
    if debugging.active():
        check_values(spec, form, xp, arrays, parameters)
    if structures is not None:
        arrays = regrouped(structures, arrays)
    return (xp, *arrays, *parameters.values(), done)


def is_array(x: Any) -> bool:
    """Whether an argument is neither left out nor a number, which Dynamo may have made symbolic."""
    return x is not None and type(x) not in (bool, int, float)


def choose(spec: Loss, xp: Namespace, arrays: tuple[Any, ...]) -> int:
    """The first alternative of the signature that the arrays have, by their dtypes, ranks and sizes.

    Where there is none, the one that is the nearest.
    """

    def kinds_fit(form: int) -> bool:
        return all(
            not is_array(x) or spec.domains[name][form].dense != (kind(xp, x.dtype) == "int")
            for name, x in zip(spec.arrays, arrays, strict=True)
            if not spec.same_kind(name)
        )

    def ranks_fit(form: int) -> bool:
        inputs = spec.signatures[form].inputs
        return all(
            not is_array(x) or (fits(dims, x.ndim) and agree_in_rank(inputs[0], arrays[0], dims, x))
            for dims, x in zip(inputs, arrays, strict=True)
        )

    def sizes_fit(form: int) -> bool:
        try:
            bind(spec, form, spec.signatures[form], tuple(x if is_array(x) else None for x in arrays))
        except ValueError:
            return False
        return True

    forms = list(filter(kinds_fit, range(len(spec.signatures)))) or [0]
    for fit in (ranks_fit, sizes_fit):
        if len(forms) > 1:
            forms = list(filter(fit, forms)) or forms
    return forms[0]


def agree_in_rank(first_dims: Dims, first: Array, dims: Dims, x: Array) -> bool:
    """Whether the open parts of two shapes have one length."""
    return "..." not in dims or first.ndim - len(first_dims) == x.ndim - len(dims)


def promote(spec: Loss, form: int, xp: Namespace, arrays: tuple[Any, ...]) -> tuple[tuple[Any, ...], Any]:
    """The arrays with the dense ones in one floating dtype, at least float32, and that dtype."""
    first = arrays[0]
    if kind(xp, first.dtype) not in ("float", "half"):
        raise refuse(spec.name, spec.arrays[0], errors.FLOATING, Words(dtype_name(first.dtype)), TypeError)
    dtype = xp.float32 if kind(xp, first.dtype) == "half" else first.dtype
    for name, x in zip(spec.arrays[1:], arrays[1:], strict=True):
        dense = spec.domains[name][form].dense
        if not is_array(x) or (dense and x.dtype == dtype):
            continue
        what = kind(xp, x.dtype)
        if not dense:
            if what != "int":
                raise refuse(spec.name, name, errors.INTEGER, Words(dtype_name(x.dtype)), TypeError)
        elif what == "float":
            dtype = xp.result_type(dtype, x.dtype)
        elif what in ("complex", "other"):
            raise refuse(spec.name, name, errors.NUMERIC, Words(dtype_name(x.dtype)), TypeError)
    beside = device(xp, first)
    promoted = []
    for name, x in zip(spec.arrays, arrays, strict=True):
        if x is not None:
            if not is_array(x):
                x = xp.asarray(x, dtype=dtype, device=beside)
            wanted = dtype if spec.domains[name][form].dense else index_dtype(xp)
            if x.dtype != wanted:
                x = xp.astype(x, wanted)
        promoted.append(x)
    return tuple(promoted), dtype


def check_axes(loss: str, name: str, value: Any, rule: AxisRule) -> dict[str, int]:
    """Which axis each dimension of the rule shall be."""
    count = len(rule.dims)
    chosen = value if isinstance(value, tuple) else (value,)
    if (count > 1) != isinstance(value, tuple) or [type(v) for v in chosen] != [int] * count:
        raise refuse(loss, name, errors.integers(count), value)
    return dict(zip(rule.dims, chosen, strict=True))


def resolve(spec: Loss, dims: Dims, first: Array, axes: dict[str, int]) -> dict[str, int]:
    """The chosen axes counted from the end, or nothing where they are the natural ones."""
    axes = {dim: axis for dim, axis in axes.items() if dim in dims}
    if not axes or not fits(dims, first.ndim):
        return {}
    ndim = first.ndim
    if not all(-ndim <= axis < ndim for axis in axes.values()) or len(
        {axis % ndim for axis in axes.values()}
    ) < len(axes):
        got = tuple(axes.values())
        option = next(k for k, rule in spec.rules.items() if type(rule) is AxisRule)
        rule = errors.axis_of(spec.arrays[0], ndim)
        raise refuse(spec.name, option, rule, got[0] if len(got) == 1 else got)
    chosen = {dim: axis % ndim - ndim for dim, axis in axes.items()}
    return {} if all(natural_axis(dims, dim, ndim) == axis for dim, axis in chosen.items()) else chosen


def arrange(xp: Namespace, x: Any, dims: Dims, axes: dict[str, int]) -> Any:
    """`x` with the chosen axes moved to where the signature has them."""
    moved = [dim for dim in axes if dim in dims]
    if x is None or not moved or not fits(dims, x.ndim):
        return x
    places = {natural_axis(dims, dim, x.ndim) % x.ndim: axes[dim] % x.ndim for dim in moved}
    rest = iter(axis for axis in range(x.ndim) if axis not in places.values())
    return xp.permute_dims(x, tuple(places[i] if i in places else next(rest) for i in range(x.ndim)))


def bind(spec: Loss, form: int, signature: Signature, arrays: tuple[Any, ...]) -> dict[str, Any]:
    """The size of every dimension, or an error naming the array that does not fit."""
    sizes: Sizes = {}
    for name, dims, x in zip(spec.arrays, signature.inputs, arrays, strict=True):
        if x is None:
            continue
        if signature.inputs[0] is not dims or name != spec.arrays[0]:
            if dims == ("...",) and x.shape == () and spec.domains[name][form].dense:
                continue
            if spec.domains[name][form].broadcasts:
                if not broadcasts_to(x.shape, shape_of(dims, sizes)):
                    raise refuse(spec.name, name, errors.broadcastable(shape_of(dims, sizes)), x.shape)
                continue
        found = sizes_of(dims, x.shape) if fits(dims, x.ndim) else None
        if found is None or not all(
            agree(sizes.get(d, int(d) if d.isdigit() else n), n) for d, n in found.items()
        ):
            raise refuse(spec.name, name, errors.shape(expected(spec, signature, dims, sizes)), x.shape)
        sizes = found | sizes
    for dim in signature.inputs[0]:
        if sizes[dim] == 0 and dim not in signature.items and dim not in spec.mask_in(form):
            raise refuse(spec.name, spec.arrays[0], errors.NOT_EMPTY.format(dim=dim), arrays[0].shape)
    return sizes


def expected(spec: Loss, signature: Signature, dims: Dims, sizes: Sizes) -> str:
    """The shape an array should have had, as far as it is known."""
    if all(dim in sizes or dim.isdigit() for dim in dims):
        return (
            f"{tuple(shape_of(dims, sizes))} like {spec.arrays[0]}"
            if dims == signature.inputs[0]
            else str(tuple(shape_of(dims, sizes)))
        )
    parts: list[str] = []
    for dim in dims:
        size = sizes.get(dim, dim)
        parts += map(str, size) if isinstance(size, tuple) else [str(size)]
    return write(tuple(parts))


def broadcasts_to(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Whether `shape` broadcasts to `to` without enlarging it."""
    tail = to[len(to) - len(shape) :]
    return len(shape) <= len(to) and all(n == 1 or agree(m, n) for n, m in zip(shape, tail, strict=True))


def check_parameter(loss: str, name: str, value: Any, rule: Rule) -> Any:
    """A number as a Python number that keeps the rule; arrays are left for later."""
    if value is None and rule.optional:
        return None
    if rule.numeric:
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            if namespace(value) is not None:
                return value
            raise refuse(
                loss, name, rule.rule, value, TypeError if not isinstance(value, str) else ValueError
            )
        value = float(value)
    if not rule.accepts(value):
        raise refuse(loss, name, rule.rule, value)
    return value


def array_parameter(
    spec: Loss,
    xp: Namespace,
    name: str,
    value: Any,
    first: Array,
    dtype: Any,
    sizes: Sizes,
    axes: dict[str, int],
) -> Array:
    """An array in the place of a number, or class weights and masks, in the floating dtype."""
    rule = spec.rules[name]
    if type(value) is tuple:
        return xp.asarray(list(map(float, value)), dtype=dtype, device=device(xp, first))
    require_companion(spec, xp, name, value, first)
    what = kind(xp, value.dtype)
    if isinstance(rule, ArrayRule):
        if rule.boolean != (what == "bool"):
            wanted = errors.BOOLEAN if rule.boolean else errors.NUMERIC
            raise refuse(spec.name, name, wanted, Words(dtype_name(value.dtype)), TypeError)
        shapes = []
        for dims in map(parse_dims, rule.shapes):
            if fits(dims, value.ndim) and "..." in dims:
                value = arrange(xp, value, dims, axes)
            shapes.append(tuple(shape_of(dims, sizes)))
        if not any(agree(shape, tuple(value.shape)) for shape in shapes):
            raise refuse(spec.name, name, errors.shape(" or ".join(map(str, shapes))), value.shape)
        return value if rule.boolean else xp.astype(value, dtype)
    if what not in ("float", "half", "int"):
        raise refuse(spec.name, name, errors.NUMERIC, Words(dtype_name(value.dtype)), TypeError)
    if isinstance(rule, Rule) and rule.broadcasts:
        if not broadcasts_to(value.shape, first.shape):
            raise refuse(spec.name, name, errors.broadcastable(first.shape), value.shape)
    elif value.shape != ():
        raise refuse(spec.name, name, errors.NUMBER_OR_0D, value.shape)
    return xp.astype(value, dtype)


def as_normalizer(spec: Loss, xp: Namespace, value: Any, first: Array, dtype: Any) -> Array:
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        if not float(value) >= 0:
            raise refuse(spec.name, "normalizer", "be nonnegative", value)
        return xp.asarray(float(value), dtype=dtype, device=device(xp, first))
    require_companion(spec, xp, "normalizer", value, first)
    if value.shape != ():
        raise refuse(spec.name, "normalizer", errors.NUMBER_OR_0D, value.shape)
    return xp.astype(value, dtype)


def as_weight(
    spec: Loss, xp: Namespace, value: Any, first: Array, dtype: Any, dims: Dims, sizes: Sizes
) -> Array:
    shape = shape_of(dims, sizes)
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        value = xp.asarray(float(value), dtype=dtype, device=device(xp, first))
    require_companion(spec, xp, "sample_weight", value, first)
    if kind(xp, value.dtype) in ("complex", "other"):
        raise refuse(spec.name, "sample_weight", errors.NUMERIC, Words(dtype_name(value.dtype)), TypeError)
    if not broadcasts_to(value.shape, shape):
        raise refuse(spec.name, "sample_weight", errors.broadcastable(shape), value.shape)
    return xp.astype(value, dtype)


def as_mask(
    spec: Loss, xp: Namespace, value: Any, first: Array, dims: Dims, sizes: Sizes, axes: dict[str, int]
) -> Array:
    shape = shape_of(dims, sizes)
    require_companion(spec, xp, "where", value, first)
    if kind(xp, value.dtype) != "bool":
        raise refuse(spec.name, "where", errors.BOOLEAN, Words(dtype_name(value.dtype)), TypeError)
    if any(dim in dims for dim in axes):  # a mask is laid out as the array that it masks
        value = xp.reshape(value, (1,) * (len(shape) - value.ndim) + tuple(value.shape))
        value = arrange(xp, value, dims, axes)
    if not broadcasts_to(value.shape, shape):
        raise refuse(spec.name, "where", errors.broadcastable(shape), value.shape)
    return value


def spread(xp: Namespace, x: Array, dims: Dims, to: Dims, sizes: Sizes) -> Array:
    """`x`, which broadcasts to the shape of `dims`, as it broadcasts against an array of `to`."""
    full = len(shape_of(dims, sizes))
    if x.ndim < full:
        x = xp.reshape(x, (1,) * (full - x.ndim) + tuple(x.shape))
    shape = spread_shape(dims, to, x.shape, sizes)
    return x if shape == tuple(x.shape) else xp.reshape(x, shape)


def sanitise(
    spec: Loss,
    signature: Signature,
    items: Dims,
    mask: Dims,
    xp: Namespace,
    arrays: tuple[Any, ...],
    sizes: Sizes,
    done: Exit,
    ignore_index: int | None,
    form: int,
) -> tuple[Any, ...]:
    """The arrays with every element that does not count replaced by its domain's safe value.

    What does not count: masked elements, items of weight exactly 0, ignored labels. Illegal labels
    are replaced too, and remembered, so that their items come out as NaN.
    """
    per_item = mask == items
    kept = done.where
    if done.weight is not None:
        weights = spec.weights_in(form, items)
        weighted = spread(xp, done.weight != 0, weights, mask, sizes)
        done.weight = spread(xp, done.weight, weights, items, sizes) if weights != items else done.weight
        kept = weighted if kept is None else kept & weighted
    clean = list(arrays)
    if spec.labelled:  # what is compared with its own maximum
        clean[0] = settle(xp, clean[0])
    for i, (name, dims) in enumerate(zip(spec.arrays, signature.inputs, strict=True)):
        domain, x = spec.domains[name][form], arrays[i]
        if x is None or not (domain.poison or not domain.dense):
            continue
        if ignore_index is not None and not domain.dense and dims == mask:
            info = xp.iinfo(x.dtype)
            if info.min <= ignore_index <= info.max:  # no label can be another number
                kept = x != ignore_index if kept is None else kept & (x != ignore_index)
        if domain.poison:
            bad = ~legal(spec, xp, domain, x, sizes)
            clean[i] = substitute(xp, bad, domain, x, domain.safe)
            bad = bad if kept is None else bad & kept
            if debugging.active():
                rule = domain.rule if domain.dense else f"{domain.rule} from 0 to {sizes['c'] - 1}"
                debugging.forbid(spec.name, name, rule, xp, x, bad)
            if dims != items:  # an item of many labels
                bad = any_over(xp, bad, dims, items, sizes)
            done.invalid = bad if done.invalid is None else done.invalid | bad
    done.where = kept
    if kept is not None:
        done.valid = kept if per_item else any_over(xp, kept, mask, items, sizes)
        if not per_item and len(found := tuple(dim for dim in mask if dim in items)) < len(items):
            done.valid = spread(xp, done.valid, found, items, sizes)
        for i, (name, dims) in enumerate(zip(spec.arrays, signature.inputs, strict=True)):
            if clean[i] is None or not covers(mask, dims):
                continue
            if clean[i].ndim == 0 and shape_of(dims, sizes):  # a number for all
                continue
            domain = spec.domains[name][form]
            if domain.broadcasts:  # its own shape may be smaller than the mask's
                clean[i] = xp.broadcast_to(clean[i], shape_of(dims, sizes))
            safe = domain.safe if per_item else 0  # an absent element adds nothing to a sum
            here = spread(xp, kept, mask, dims, sizes)
            if domain.dense and safe == 0:
                clean[i] = keep(xp, clean[i], here)
            else:
                clean[i] = substitute(xp, ~here, domain, clean[i], safe)
    return tuple(clean)


def substitute(xp: Namespace, out: Array, domain: Domain, x: Array, safe: float) -> Array:
    """`x` with `safe` where `out`."""
    return xp.where(out, float(safe) if domain.dense else int(safe), x)


def legal(spec: Loss, xp: Namespace, domain: Domain, x: Array, sizes: Sizes) -> Array:
    """Which labels are in the valid set: 0 … C-1 for classes, what the domain says for others."""
    return domain.valid(xp, x) if domain.dense else (x >= 0) & (x < sizes["c"])


def any_over(xp: Namespace, kept: Array, dims: Dims, items: Dims, sizes: Sizes) -> Array:
    """Whether an item has any element that counts; False for an item without elements too."""
    full = xp.broadcast_to(kept, shape_of(dims, sizes))
    axes: tuple[int, ...] = ()
    at = 0
    for dim in dims:
        width = len(shape_of((dim,), sizes))
        axes += () if dim in items else tuple(range(at, at + width))
        at += width
    return xp.any(full, axis=axes) if axes else full


def check_values(
    spec: Loss, form: int, xp: Namespace, arrays: tuple[Any, ...], parameters: dict[str, Any]
) -> None:
    """Hold every array against its domain."""
    for name, x in zip(spec.arrays, arrays, strict=True):
        if x is not None:
            domain = spec.domains[name][form]
            debugging.forbid(spec.name, name, domain.rule, xp, x, ~domain.valid(xp, x))
