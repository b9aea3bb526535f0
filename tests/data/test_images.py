"""Images: encoded ones are decoded to what Pillow says, broken ones are named by their place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dataset_layouts import encoded, pixels
from PIL import Image

from backbench.data.images import ArrayImages, EncodedImages, Files, Packed, decode, read_header
from backbench.errors import DataError


def packed(blobs: list[bytes]) -> Packed:
    offsets = np.cumsum([0, *map(len, blobs)], dtype=np.int64)
    return Packed(np.frombuffer(b"".join(blobs), np.uint8), offsets, (("first.parquet", 0), ("second.parquet", 3)))


def lazy(images: list[np.ndarray]) -> EncodedImages:
    sizes = np.array([image.shape[:2] for image in images], dtype=np.int64)
    return EncodedImages(packed([encoded(image) for image in images]), 3, sizes)


@pytest.mark.parametrize("side", [9, 200])
def test_encoded_images_are_the_pixels_that_were_encoded(side: int) -> None:
    images = pixels(10, side, side, 3)
    assert (lazy(list(images)).array() == images).all()
    assert (np.stack(lazy(list(images)).read([3, 1, 3, 0, 9, 2])) == images[[3, 1, 3, 0, 9, 2]]).all()


def test_a_subset_keeps_order_pixels_and_bytes() -> None:
    images = list(pixels(5, 4, 4, 3))
    chosen = lazy(images).subset(np.array([4, 1]))
    assert (chosen.array() == np.stack([images[4], images[1]])).all()
    assert chosen.encoded(1) == encoded(images[1])
    assert len(chosen) == 2


def test_images_of_different_sizes_are_no_array_but_can_be_read() -> None:
    images = lazy([pixels(1, 4, 4, 3)[0], pixels(1, 6, 5, 3)[0]])
    assert [image.shape for image in images.read([0, 1])] == [(4, 4, 3), (6, 5, 3)]
    with pytest.raises(DataError, match=r"first\.parquet, row 1: 5×6 px where the first image has 4×4"):
        images.array()


def test_packed_bytes_know_the_row_of_their_own_file() -> None:
    blobs = packed([b"a", b"b", b"c", b"d", b"e"])
    assert [blobs.place(place) for place in (0, 2, 3, 4)] == [
        "first.parquet, row 0",
        "first.parquet, row 2",
        "second.parquet, row 0",
        "second.parquet, row 1",
    ]


def test_an_array_keeps_the_bytes_as_stored() -> None:
    images = ArrayImages(pixels(3, 4, 4, 3), packed([b"x", b"yy", b"zzz"]))
    assert images.subset(np.array([2, 0])).encoded(0) == b"zzz"
    assert ArrayImages(images.pixels).encoded(0) is None


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize("kept", [0, 1, 20, 0.5, 0.9])
def test_a_truncated_image_is_named(form: str, kept: float, tmp_path: Path) -> None:
    whole = encoded(pixels(1, 64, 64, 3)[0], form)
    broken = whole[: int(kept * len(whole)) if isinstance(kept, float) else kept]
    with pytest.raises(DataError, match=r"here: the image can't be decoded: \w"):
        decode(broken, 3, "here")


def test_bytes_that_are_no_image_are_named_without_objects_in_memory() -> None:
    with pytest.raises(DataError, match=r"^here: the image can't be decoded: cannot identify image file$"):
        read_header(b"<html>404</html>", "here")


def test_a_file_that_vanished_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.png: the image can't be read: No such file"):
        Files((tmp_path / "gone.png",)).read(0)


def test_modes_become_grey_or_rgb() -> None:
    picture = Image.fromarray(pixels(1, 6, 6, 3)[0])
    for mode in ("L", "P", "RGBA", "CMYK", "RGB"):
        data = encoded_picture(picture.convert(mode), "TIFF" if mode == "CMYK" else "PNG")
        assert decode(data, 3, "x").shape == (6, 6, 3)
        assert decode(data, 1, "x").shape == (6, 6, 1)
        assert read_header(data, "x").grey == (mode == "L")


def test_sixteen_bit_grey_keeps_its_upper_eight_bits() -> None:
    deep = np.array([[0, 256, 65_535], [1_000, 32_768, 40_000]], dtype=np.uint16)
    data = encoded_picture(Image.fromarray(deep), "PNG")
    assert (decode(data, 1, "x")[..., 0] == deep >> 8).all()
    assert (decode(data, 3, "x")[..., 2] == deep >> 8).all()


def encoded_picture(picture: Image.Image, form: str) -> bytes:
    import io

    stream = io.BytesIO()
    picture.save(stream, form)
    return stream.getvalue()
