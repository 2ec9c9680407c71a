"""Names of dora-rs's module for which there is nothing here yet: programs that import them load, and learn when they use
them."""

from typing import Any, NoReturn


def _class(name: str) -> type:
    def refuse(cls: type, *arguments: Any, **keywords: Any) -> NoReturn:
        raise NotImplementedError(f"{name}: this dora has no bridge to ROS 2 yet")

    return type(name, (), {"__module__": "dora", "__new__": refuse, "__doc__": "Part of the bridge to ROS 2; not there yet."})


Ros2ActionClient = _class("Ros2ActionClient")
Ros2ActionServer = _class("Ros2ActionServer")
Ros2Context = _class("Ros2Context")
Ros2Durability = _class("Ros2Durability")
Ros2Liveliness = _class("Ros2Liveliness")
Ros2Node = _class("Ros2Node")
Ros2NodeOptions = _class("Ros2NodeOptions")
Ros2Publisher = _class("Ros2Publisher")
Ros2QosPolicies = _class("Ros2QosPolicies")
Ros2ServiceClient = _class("Ros2ServiceClient")
Ros2ServiceServer = _class("Ros2ServiceServer")
Ros2Subscription = _class("Ros2Subscription")
Ros2Topic = _class("Ros2Topic")
Ros2Transport = _class("Ros2Transport")
