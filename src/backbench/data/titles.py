"""What tables call a dataset, by its name: the few that people know; any other is called by its folder's name.

"(JPEG)" is added where a dataset that was published as lossless pixels is stored as JPEG: networks trained on one
lose points on the other.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """`lossless`: the publication's pixels are lossless; `mirrored`: a mirrored image keeps its class; `seen`: the images
    are a sample of those that published networks learnt from, so that right answers on them are no test's.
    """

    title: str
    lossless: bool = True
    mirrored: bool = True
    seen: bool = False


KNOWN = {
    "cifar10": Known("CIFAR-10"),
    "cifar100": Known("CIFAR-100"),
    "digits": Known("digits", mirrored=False),
    "emnist": Known("EMNIST", mirrored=False),
    "emnist-balanced": Known("EMNIST (Balanced)", mirrored=False),
    "emnist-byclass": Known("EMNIST (ByClass)", mirrored=False),
    "emnist-bymerge": Known("EMNIST (ByMerge)", mirrored=False),
    "emnist-bymerge47": Known("EMNIST (ByMerge-47)", mirrored=False),
    "emnist-digits": Known("EMNIST (Digits)", mirrored=False),
    "emnist-letters": Known("EMNIST (Letters)", mirrored=False),
    "emnist-mnist": Known("EMNIST (MNIST)", mirrored=False),
    "fashion_mnist": Known("Fashion-MNIST"),
    "imagenet-sample": Known("ImageNet (sample)", lossless=False, seen=True),
    "mnist": Known("MNIST", mirrored=False),
    "svhn": Known("SVHN", mirrored=False),
}


def title_of(name: str, encoding: str) -> str:
    known = known_as(name)
    return f"{known.title} (JPEG)" if known.lossless and encoding == "jpeg" else known.title


def mirrored(name: str) -> bool:
    return known_as(name).mirrored


def seen(name: str) -> bool:
    return known_as(name).seen


def known_as(name: str) -> Known:
    if name.startswith("emnist-"):
        return KNOWN.get(name, Known(f"EMNIST ({name.removeprefix('emnist-')})", mirrored=False))
    return KNOWN.get(name, Known(name, lossless=False))
