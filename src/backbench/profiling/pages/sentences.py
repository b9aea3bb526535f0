"""What a profile says in words: real inputs, doubts, conditions."""

from __future__ import annotations

from backbench.profiling.document import Profile
from backbench.profiling.numbers import real_over_random
from backbench.report.units import digits, plural
from backbench.statistics.compare import verdict

FASTER = {"faster": "faster on photographs", "slower": "slower on photographs", "same": "the same on both"}


def input_line(profile: Profile) -> str | None:
    """What real images changed."""
    if profile.inputs is None:
        return None
    ratio = real_over_random(profile.inputs)
    word = FASTER.get(verdict(ratio), "can't tell whether photographs make a difference")
    return (
        f"Real inputs: {plural(profile.inputs.images, 'photograph')} ÷ random tensors takes"
        f" {digits(ratio.estimate, 3)} × [{digits(ratio.low, 3)}, {digits(ratio.high, 3)}] of the time: {word}."
    )


def doubts_of(profile: Profile) -> list[str]:
    """What to doubt, each with its remedy, and the parts that are missing."""
    said = [f"{warn.message}" + (f" (remedy: {warn.remedy})" if warn.remedy else "") for warn in profile.warnings]
    return said + [f"{name} is missing: {why}" for name, why in profile.reasons.items()]


def conditions_line(profile: Profile) -> str:
    """The host, its grade and the load while the whole network was timed."""
    found = profile.conditions
    host = f"{profile.host.get('cpu')}, {plural(profile.cell.threads, 'thread')}, device {profile.cell.device}"
    if found is None:
        return host
    foreign = f", other processes up to {max(found.foreign):.0%} of the processors" if found.foreign else ""
    voided = f", stretches voided: {found.voided_rounds}" if found.voided_rounds else ""
    return f"{host}; {profile.protocol.get('name')} protocol, host grade {found.grade}{foreign}{voided}"
