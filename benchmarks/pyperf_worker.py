"""What `against_peers.py` gives pyperf to run: one call of the artefact's network, named by an environment variable."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pyperf

from against_peers import network_and_input


def main() -> None:
    import torch

    runner = pyperf.Runner()
    runner.parse_args()
    # Only the workers need the network; the process that starts them need not load it.
    call = call_of_network() if runner.args.worker else object
    with torch.inference_mode():
        runner.bench_func("network", call)


def call_of_network() -> Callable[[], object]:
    network, image = network_and_input()
    return partial(network, image)


if __name__ == "__main__":
    main()
