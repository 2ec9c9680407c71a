from . import builder as builder
from . import testing as testing
from ._command import build as build
from ._command import run as run
from ._dora import Node as Node
from ._dora import SampleHandler as SampleHandler
from ._dora import __version__ as __version__
from ._missing import Ros2ActionClient as Ros2ActionClient
from ._missing import Ros2ActionServer as Ros2ActionServer
from ._missing import Ros2Context as Ros2Context
from ._missing import Ros2Durability as Ros2Durability
from ._missing import Ros2Liveliness as Ros2Liveliness
from ._missing import Ros2Node as Ros2Node
from ._missing import Ros2NodeOptions as Ros2NodeOptions
from ._missing import Ros2Publisher as Ros2Publisher
from ._missing import Ros2QosPolicies as Ros2QosPolicies
from ._missing import Ros2ServiceClient as Ros2ServiceClient
from ._missing import Ros2ServiceServer as Ros2ServiceServer
from ._missing import Ros2Subscription as Ros2Subscription
from ._missing import Ros2Topic as Ros2Topic
from ._missing import Ros2Transport as Ros2Transport
from ._runtime import start_runtime as start_runtime
from ._status import DoraStatus as DoraStatus
from ._types import Event as Event
from ._types import Parameter as Parameter

__author__: str

__all__ = [
    "Node",
    "SampleHandler",
    "DoraStatus",
    "Event",
    "Parameter",
    "build",
    "run",
    "start_runtime",
    "Ros2ActionClient",
    "Ros2ActionServer",
    "Ros2Context",
    "Ros2Durability",
    "Ros2Liveliness",
    "Ros2Node",
    "Ros2NodeOptions",
    "Ros2Publisher",
    "Ros2QosPolicies",
    "Ros2ServiceClient",
    "Ros2ServiceServer",
    "Ros2Subscription",
    "Ros2Topic",
    "Ros2Transport",
    "__author__",
    "__version__",
]
