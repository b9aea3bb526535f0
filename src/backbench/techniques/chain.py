"""A chain of techniques: which orders are possible, and where a chain is cut.

What works on the network comes before what works on the exported file: the export stands between the two.
"""

from __future__ import annotations

from backbench.errors import UsageError
from backbench.spec.choice import Choice, chain_text
from backbench.techniques import REGISTRY

Chain = tuple[Choice, ...]


def resolve_chain(chain: Chain, runtime: str) -> Chain:
    """The chain with every default and every route for this runtime written down.

    Raises UnknownName, SpecError (bad options) or UsageError (an impossible order, no route for the runtime).
    """
    resolved = tuple(_resolve(choice, runtime) for choice in chain)
    check_order(resolved)
    return resolved


def _resolve(choice: Choice, runtime: str) -> Choice:
    technique = REGISTRY.build(choice, f"technique {choice.name!r}").resolve(runtime)
    return Choice(name=choice.name, options=technique.model_dump(mode="json"))


def check_order(chain: Chain) -> None:
    """Raises UsageError with the order that works, where a file's technique stands before a network's."""
    files = [choice for choice in chain if stage(choice) == "graph"]
    networks = [choice for choice in chain if stage(choice) == "module"]
    works = (*networks, *files)
    if works != chain:
        raise UsageError(
            f"technique {chain_text(chain)}: {files[0].name} works on the exported file and can't stand before "
            f"{networks[-1].name}, which works on the network; this order works: {chain_text(works)}"
        )
    quantizing = [choice.name for choice in chain if quantizes(choice)]
    if len(quantizing) > 1:
        raise UsageError(
            f"technique {chain_text(chain)}: a network is quantized once, not by {' and '.join(quantizing)}"
        )


def stage(choice: Choice) -> str:
    return REGISTRY.get(choice.name).stage


def quantizes(choice: Choice) -> bool:
    """Whether the step is a quantizing one: from there on, outputs are not those of the fp32 reference."""
    return "quantize" in choice.name


def of_stage(chain: Chain, wanted: str) -> Chain:
    return tuple(choice for choice in chain if stage(choice) == wanted)
