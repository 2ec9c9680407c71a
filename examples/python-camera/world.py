"""Balls that bounce in a room of 2 × 2 × 2 metres. Sends where they are, a row of a table for each, at every tick, until
it has sent as many tables as it is told."""

import sys

import numpy as np
import pyarrow as pa
from dora import Node

STEP = 1 / 30  # seconds between two ticks
GRAVITY = np.array([0.0, 0.0, -9.81])
RADIUS = np.array([0.32, 0.25, 0.2, 0.16])
COLORS = ["crimson", "seagreen", "royalblue", "goldenrod"]


def move(place, speed):
    """One step further; what hits a wall comes back."""
    speed += GRAVITY * STEP
    place += speed * STEP
    low, high = RADIUS[:, None] - 1, 1 - RADIUS[:, None]
    hit = (place < low) | (place > high)
    np.clip(place, low, high, out=place)
    speed[hit] *= -0.92


def table(place):
    columns = [pa.array(place[:, axis]) for axis in range(3)]
    return pa.StructArray.from_arrays([*columns, pa.array(RADIUS), pa.array(COLORS)], ["x", "y", "z", "radius", "color"])


def main():
    place = np.array([[0.1, 0.2, 0.5], [-0.6, -0.2, 0.1], [0.5, -0.5, 0.7], [-0.2, 0.6, 0.3]])
    speed = np.array([[1.2, 0.7, 0.0], [0.8, -1.4, 2.0], [-1.7, 0.9, 1.0], [1.1, -2.0, 3.0]])
    left = int(sys.argv[1])
    node = Node()
    for event in node:
        if event["type"] == "INPUT":
            move(place, speed)
            node.send_output("balls", table(place))
            left -= 1
            if left == 0:
                break


if __name__ == "__main__":
    main()
