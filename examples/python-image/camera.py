"""Draws rings that move, 640 × 480 in shades of grey, straight into shared memory. Ends after as many images as it is told."""

import sys

import numpy as np
from dora import Node

WIDTH, HEIGHT = 640, 480


def main():
    count = int(sys.argv[1])
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype("float32")
    node = Node()
    for event in node:
        if event["type"] != "INPUT":
            continue
        distance = np.hypot(x - WIDTH / 2, y - HEIGHT / 2)
        with node.loan("image", (HEIGHT, WIDTH), "uint8", {"width": WIDTH, "height": HEIGHT}) as image:
            image[:] = 127 + 127 * np.sin((distance - 5 * count) / 8)
        count -= 1
        if count == 0:
            break


if __name__ == "__main__":
    main()
