"""A chain of techniques: which orders are possible, what completes a chain, and where it is cut.

Four rules. What works on the network comes before what works on the exported file: the export stands between the two. What
rounds weights comes last: nothing can be removed or trained behind it, and training for the rounding
stands right before it. What gives weights other shapes comes before what sets
some of them to zero: otherwise the zeros are no longer those that were asked for. Training keeps the zeros of masks, so it may
stand behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from backbench.errors import Skip, UsageError
from backbench.spec.choice import Choice, chain_text
from backbench.techniques import REGISTRY
from backbench.techniques.technique import Stage

Chain = tuple[Choice, ...]


def checked_chain(chain: Chain) -> Chain:
    """The chain with every default written down, before any runtime is known.

    Raises UnknownName, SpecError (bad options) or UsageError (an impossible order, an option that names what is not there).
    """
    resolved = tuple(REGISTRY.resolve(choice, f"technique {choice.name!r}") for choice in chain)
    for choice in resolved:
        REGISTRY.build(choice).check()
    check_order(chain)  # in the user's own words
    return resolved


def resolve_chain(chain: Chain, runtime: str) -> Chain:
    """The chain with every default and every route for this runtime written down.

    Raises UnknownName, SpecError (bad options), UsageError (an impossible order, no route for the runtime), or Skip where a
    technique can't be used here.
    """
    resolved = tuple(_resolve(choice, runtime) for choice in completed(chain))
    check_order(resolved)
    return resolved


def completed(chain: Chain) -> Iterator[Choice]:
    """The chain with the techniques that finish another one's work, where it does not name them itself."""
    named = {choice.name for choice in chain}
    for choice in chain:
        yield choice
        finishing = REGISTRY.get(choice.name).followed_by
        if finishing is not None and finishing not in named:
            yield Choice(name=finishing)


def _resolve(choice: Choice, runtime: str) -> Choice:
    missing = REGISTRY.get(choice.name).missing()
    if missing:
        raise Skip(missing)
    technique = REGISTRY.build(choice, f"technique {choice.name!r}").resolve(runtime)
    return Choice(name=choice.name, options=technique.model_dump(mode="json"))


def check_order(chain: Chain) -> None:
    """Raises UsageError with the order that works."""
    lowering = [choice.name for choice in chain if quantizes(choice)]
    if len(lowering) > 1:
        raise UsageError(f"technique {chain_text(chain)}: a network is quantized once, not by {' and '.join(lowering)}")
    works = working_order(chain)
    if works != chain:
        raise UsageError(
            f"technique {chain_text(chain)}: {'; '.join(complaints(chain))}; this order works: {chain_text(works)}"
        )


def working_order(chain: Chain) -> Chain:
    """The same techniques so that every rule holds; what the rules leave open stays as it was."""
    found = sorted(chain, key=part)
    for place, choice in enumerate(found):
        if reshapes(choice):
            first = next((number for number in range(place) if masks(found[number])), place)
            found.insert(first, found.pop(place))
    return tuple(found)


def part(choice: Choice) -> int:
    """0 changes the network, 1 trains it for the rounding, 2 rounds the network, 3 works on the exported file."""
    if stage(choice) == "graph":
        return 3
    return 2 if quantizes(choice) else int(prepares(choice))


Rule = tuple[Callable[[Choice, Choice], bool], str]
RULES: tuple[Rule, ...] = (
    (
        lambda first, second: stage(first) == "graph" and stage(second) == "module",
        "{first} works on the exported file and can't stand before {second}, which works on the network",
    ),
    (
        lambda first, second: quantizes(first) and stage(first) == stage(second) == "module",
        "{first} rounds the weights and can't stand before {second}, which changes them",
    ),
    (
        lambda first, second: prepares(first) and part(second) == 0,
        "{first} trains the weights for their rounding and can't stand before {second}, which changes them again",
    ),
    (
        lambda first, second: masks(first) and reshapes(second),
        "{first} sets weights to zero and can't stand before {second}, which would undo its share by other shapes",
    ),
)


def complaints(chain: Chain) -> list[str]:
    """One sentence for each rule that a pair breaks, the first pair of it."""
    pairs = [(first, second) for place, first in enumerate(chain) for second in chain[place + 1 :]]
    found = []
    for broken, sentence in RULES:
        pair = next(((first, second) for first, second in pairs if broken(first, second)), None)
        if pair:
            found.append(sentence.format(first=pair[0].name, second=pair[1].name))
    return found


def stage(choice: Choice) -> Stage:
    return REGISTRY.build(choice).works_on()


def masks(choice: Choice) -> bool:
    return REGISTRY.get(choice.name).masks


def reshapes(choice: Choice) -> bool:
    return REGISTRY.get(choice.name).reshapes


def prepares(choice: Choice) -> bool:
    return REGISTRY.get(choice.name).followed_by is not None


def quantizes(choice: Choice) -> bool:
    """Whether the step is a quantizing one: from there on, outputs are not those of the fp32 reference."""
    return REGISTRY.get(choice.name).lowers_precision


def tolerance(chain: Chain) -> str | None:
    """The row of the gate's table that the chain asks for, or None: the runtime's own."""
    rows = [REGISTRY.get(choice.name).tolerance for choice in chain]
    return next((row for row in reversed(rows) if row is not None), None)


def trains(chain: Chain) -> bool:
    """Whether a step trains the network on the dataset, its head included."""
    return any(REGISTRY.get(choice.name).trains for choice in chain)


def content(chain: Chain) -> list[dict[str, object]]:
    """What the options of the chain only name, by content; steps that name nothing are left out."""
    found = ({"technique": choice.name, **REGISTRY.build(choice).content()} for choice in chain)
    return [named for named in found if len(named) > 1]


def of_stage(chain: Chain, wanted: str) -> Chain:
    return tuple(choice for choice in chain if stage(choice) == wanted)
