"""Looks at the page and at the first values of the stream, as a browser would."""

import urllib.request

from dora import Node

open_url = urllib.request.build_opener(urllib.request.ProxyHandler({})).open  # this machine's, whatever proxy there is


def main():
    for event in Node():
        if event["type"] == "INPUT":
            address = event["value"][0].as_py()
            with open_url(address) as page:
                print("page of", len(page.read()), "bytes")
            with open_url(address + "/celsius") as stream:
                values = [line.decode().strip() for line in stream if line.startswith(b"data: ")][:3]
                print("stream:", ", ".join(values))
            break


if __name__ == "__main__":
    main()
