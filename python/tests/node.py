"""What a node of these tests runs: `node.py FILE FUNCTION` calls FUNCTION(notes) of a Python file.

Needs nothing but the module `dora` under test and pyarrow, so that the same nodes run with dora-rs. What the function
notes goes line by line, as JSON, to the file that DORA_TEST_NOTES names: a node that crashes leaves what it had noted.
"""

import importlib.util
import json
import math
import os
import sys


def plain(value):
    """A value as JSON that says all that two modules have to agree on: kinds, types, contents, but not what changes
    from run to run."""
    kind = type(value)
    if value is None or kind in (bool, int):
        return value
    if kind is str:
        return value.partition("\n\nLocation:")[0]  # dora-rs says in which line of its sources
    if kind is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if kind is list:
        return [plain(v) for v in value]
    if kind is tuple:
        return {"tuple": [plain(v) for v in value]}
    if kind is dict:
        return {str(k): plain(v) for k, v in value.items()}
    if kind in (bytes, bytearray):
        return {kind.__name__: value.hex()}
    if kind.__module__.startswith("pyarrow") and hasattr(value, "to_pylist"):
        return {kind.__name__: str(value.type), "values": contents(value)}
    if kind.__name__ == "datetime":
        return {"datetime": str(value.tzinfo)}
    if kind.__module__ in ("datetime", "decimal", "pyarrow.lib"):
        return {kind.__name__: str(value)}
    return {"object": kind.__qualname__}


def contents(array):
    try:
        rows = array.to_pylist()
    except ValueError:  # nanoseconds don't fit Python's own types
        return array.to_string()
    # They fit those of pandas, where it is installed.
    return array.to_string() if any(type(row).__module__.startswith("pandas") for row in rows) else plain(rows)


def failure(error):
    kinds = [k.__name__ for k in type(error).__mro__ if k not in (object, BaseException)]
    return {"raises": kinds[0] if kinds else type(error).__name__}  # the text is for people


class Notes:
    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8") if path else sys.stdout

    def __call__(self, name, value):
        """Notes a value."""
        self.file.write(json.dumps([name, plain(value)]) + "\n")
        self.file.flush()
        return value

    def call(self, name, function, *args, **kwargs):
        """Notes what a call gives or raises; gives it too, None if it raises."""
        try:
            value = function(*args, **kwargs)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:  # a panic of dora-rs is no Exception
            self.file.write(json.dumps([name, failure(error)]) + "\n")
            self.file.flush()
            return None
        return self(name, value)


def load(path):
    """A Python file as a module, whatever its name."""
    spec = importlib.util.spec_from_file_location(os.path.basename(path).removesuffix(".py"), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    getattr(load(sys.argv[1]), sys.argv[2])(Notes(os.environ.get("DORA_TEST_NOTES")))
