"""Sends the edges of each image: how much the shade changes from each pixel to its neighbours."""

import numpy as np
from dora import Node


def main():
    node = Node()
    for event in node:
        if event["type"] != "INPUT":
            continue
        width, height = event["metadata"]["width"], event["metadata"]["height"]
        image = event["value"].to_numpy().reshape(height, width)  # the camera's memory, not a copy
        shades = image.astype("int16")
        with node.loan("image", image.shape, "uint8", {"width": width, "height": height}) as edges:
            edges[:] = 0
            across = np.abs(shades[1:-1, 2:] - shades[1:-1, :-2])
            down = np.abs(shades[2:, 1:-1] - shades[:-2, 1:-1])
            np.minimum(across + down, 255, out=edges[1:-1, 1:-1], casting="unsafe")


if __name__ == "__main__":
    main()
