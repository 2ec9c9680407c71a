"""Says how bright what it received was."""

from collections import defaultdict

import numpy as np
from dora import Node


def main():
    means = defaultdict(list)
    for event in Node():
        if event["type"] == "INPUT":
            means[event["id"]].append(np.mean(event["value"].to_numpy()))
    for name, values in sorted(means.items()):
        print(f"{name}: {len(values)} images, brightness {sum(values) / len(values):.1f}")


if __name__ == "__main__":
    main()
