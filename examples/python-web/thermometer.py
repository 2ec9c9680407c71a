"""Sends a temperature at every tick, as many times as it is told."""

import math
import sys

import pyarrow as pa
from dora import Node


def main():
    node = Node()
    for count in range(int(sys.argv[1])):
        if node.next()["type"] == "STOP":
            break
        node.send_output("celsius", pa.array([20 + 5 * math.sin(count / 10)]))


if __name__ == "__main__":
    main()
