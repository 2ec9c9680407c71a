"""Gathers tables and says with pandas what is in them. The columns stay where the station has put them, in shared memory,
until pandas works on them."""

import pandas as pd
import pyarrow as pa
from dora import Node


def main():
    batches = []
    for event in Node():
        if event["type"] == "INPUT":
            batches.append(pa.RecordBatch.from_struct_array(event["value"]))
    measured = pa.Table.from_batches(batches).to_pandas()
    measured["sensor"] = measured["sensor"].astype(str)
    print(f"{len(batches)} tables, {len(measured)} rows, {measured['celsius'].isna().sum()} measured nothing")
    with pd.option_context("display.precision", 1):
        print(measured.groupby("sensor")["celsius"].agg(["count", "mean", "std"]))


if __name__ == "__main__":
    main()
