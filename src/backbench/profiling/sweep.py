"""The sweeps of one cell: batches and resolutions, one fresh process each, and the limits that counting predicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backbench.profiling.counted import Shape
from backbench.profiling.network import changed, input_of
from backbench.profiling.parts import Found, Run, part
from backbench.profiling.scaling import CAP, area_shapes, batch_shapes, needed_bytes, power_fit
from backbench.profiling.swept import Limit, Point, Scaling
from backbench.spec.cell import digest


def sweep(run: Run, found: Found) -> Scaling:
    """No size is run that would not fit; limits are counted with what the sizes before them needed."""
    shape = input_of(found.cell)
    batch = points(run, found, "batch", batch_shapes((1, *shape[1:])))
    resolution = points(run, found, "resolution", area_shapes(shape))
    known = tuple(point for point in (*batch, *resolution) if point.rise)
    return Scaling(
        batch=batch,
        resolution=resolution,
        batch_limit=limit_of(run, found, "batch", known),
        resolution_limit=limit_of(run, found, "resolution", known),
    )


def points(run: Run, found: Found, axis: str, shapes: Sequence[Shape]) -> tuple[Point, ...]:
    """Each size in turn, the smallest first: what it will take follows from its counts and from those before."""
    counted = part(run, found, "counts", name=f"counts-{axis}", shapes=tuple(shapes))
    done: list[Point] = []
    for point in map(Point.model_validate, counted["points"] if counted else ()):
        why = point.reason or too_much(found, point, done)
        done.append(point.model_copy(update={"reason": why}) if why else measured(run, found, point))
    return tuple(done)


def too_much(found: Found, point: Point, done: Sequence[Point]) -> str | None:
    """Why this size is not run: memory that it would need, or time."""
    available = found.prediction.available
    needed = needed_bytes(found.prediction, done)(point.live)
    if needed > available:
        return f"not run: {needed / 1e9:.2f} GB are predicted, {available / 1e9:.2f} GB are free"
    fit = power_fit([(each.pixels, min(each.seconds)) for each in done if each.seconds])
    expected = fit.at(point.pixels) if fit else 0.0
    return f"not run: a call is expected to take {expected:.0f} s" if expected > CAP else None


def measured(run: Run, found: Found, point: Point) -> Point:
    name = f"point-{'x'.join(map(str, point.input))}"
    other = changed(found.cell, input=point.input, batch=point.input[0])
    result = part(run, found, "point", name=name, cell=other)
    if result is None:
        return point.model_copy(update={"reason": found.reasons.pop(name)})
    found.parts.pop(name)
    return Point(**{**dict(point), **result})


def limit_of(run: Run, found: Found, axis: str, known: tuple[Point, ...]) -> Limit | None:
    """The first size along the axis that would not fit; None where the network can't be followed there."""
    name = f"limit-{axis}-{digest([point.model_dump(mode='json') for point in known], 8)}"
    fields: dict[str, Any] = {
        "axis": axis,
        "prediction": found.prediction,
        "points": known,
        "computed": found.structure.computed,
    }
    result = part(run, found, "limit", name=name, **fields)
    if result is None:
        found.reasons[f"{axis} limit"] = found.reasons.pop(name)
        return None
    return Limit.model_validate(found.parts.pop(name)["limit"])


def largest_that_fits(run: Run, found: Found) -> Shape | None:
    """The largest batch if the input has several images, else the largest image of its proportions."""
    axis: str = "batch" if input_of(found.cell)[0] > 1 else "resolution"
    limit = limit_of(run, found, axis, ())
    return limit.largest if limit else None
