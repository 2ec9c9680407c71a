"""Sends a table at every tick, as many as it is told: for each sensor when it measured, what, and how sure it is. A sensor
that is broken has measured nothing."""

import datetime
import sys

import numpy as np
import pyarrow as pa
from dora import Node

SENSORS = ["roof", "yard", "cellar"]
NAMES = pa.array(SENSORS).dictionary_encode()


def main():
    random = np.random.default_rng(1)
    node = Node()
    for _ in range(int(sys.argv[1])):
        if node.next()["type"] == "STOP":
            break
        celsius = random.normal([12.0, 15.0, 9.0], [2.0, 1.0, 0.1])
        columns = {
            "sensor": NAMES,
            "time": pa.array([datetime.datetime.now(datetime.timezone.utc)] * len(SENSORS)),
            "celsius": pa.array(celsius, mask=random.random(len(SENSORS)) < 0.1),
        }
        node.send_output("measured", pa.StructArray.from_arrays(list(columns.values()), list(columns)))


if __name__ == "__main__":
    main()
