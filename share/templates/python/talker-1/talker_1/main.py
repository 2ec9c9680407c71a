"""Sends a greeting whenever an input arrives."""

import pyarrow
from dora import Node


def main():
    node = Node()
    for event in node:
        if event["type"] == "INPUT":
            node.send_output("speech", pyarrow.array(["Hello from talker_1"]))


if __name__ == "__main__":
    main()
