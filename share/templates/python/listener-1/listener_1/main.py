"""Prints what it hears, until nothing more can come."""

from dora import Node


def main():
    for event in Node():
        if event["type"] == "INPUT":
            print(f"I heard on {event['id']}: {event['value'][0].as_py()}", flush=True)


if __name__ == "__main__":
    main()
