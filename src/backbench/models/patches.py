"""How large a patch a small image is cut into, where the user does not say."""

from __future__ import annotations

from backbench.errors import UsageError


def patch_for(input_size: tuple[int, int], patch: int | None, *, across: int, least: int) -> int:
    """`patch` if given; else `least`, doubled (to at most 16) until at most `across` patches cover the shorter side.

    Raises UsageError where the patches don't cover the image exactly.
    """
    chosen = patch or least
    while patch is None and chosen < 16 and min(input_size) > across * chosen and divides(2 * chosen, input_size):
        chosen *= 2
    if not divides(chosen, input_size):
        height, width = input_size
        raise UsageError(f"a patch of {chosen} does not divide {height}×{width}; set option 'patch', e.g. patch=1")
    return chosen


def divides(patch: int, input_size: tuple[int, int]) -> bool:
    return all(side % patch == 0 for side in input_size)
