"""Small data sets of any number of images, and an image file."""

import gzip
import shutil
import struct
import zlib

from .workloads import PIXELS


class Images:
    """Folders of four IDX files with the first images of Fashion-MNIST, repeated where these are too few."""

    def __init__(self, data, folder):
        self.parent = folder
        with gzip.open(data / "fashion-mnist/train-images-idx3-ubyte.gz") as file:
            self.pixels = file.read()[16:]
        with gzip.open(data / "fashion-mnist/train-labels-idx1-ubyte.gz") as file:
            self.labels = file.read()[8:]

    def folder(self, count):
        """A data set of `count` images to train on, and as many as 16 to test."""
        folder = self.parent / f"images-{count}"
        if not folder.exists():
            folder.mkdir()
            self.write(folder, "train", count)
            self.write(folder, "t10k", 16)
        return folder

    def write(self, folder, part, count):
        times = -(-count // len(self.labels))
        # The largest label says how many classes there are.
        labels = (b"\x09" + (self.labels * times)[1:])[:count]
        pixels = (self.pixels * times)[: count * PIXELS] if times > 1 else self.pixels[: count * PIXELS]
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">BBBBI", 0, 0, 8, 1, count) + labels)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(struct.pack(">BBBBIII", 0, 0, 8, 3, count, 28, 28) + pixels)


def png(data, path):
    """Writes the first image of Fashion-MNIST as a grey PNG."""
    with gzip.open(data / "fashion-mnist/train-images-idx3-ubyte.gz") as file:
        pixels = file.read(16 + PIXELS)[16:]
    rows = b"".join(b"\x00" + pixels[28 * y : 28 * (y + 1)] for y in range(28))

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 28, 28, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


def unpacked(source, folder):
    """The data set in `source` without gzip, to see what unzipping takes. Nothing of it is kept in memory."""
    folder.mkdir()
    for path in source.glob("*-ubyte.gz"):
        with gzip.open(path) as packed, open(folder / path.stem, "wb") as plain:
            shutil.copyfileobj(packed, plain)
    return folder
