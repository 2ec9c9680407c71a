"""A pinhole camera: follows a ray through each pixel to the first ball or wall that it meets, and shades what it meets by
where the lamp is. Sends images of 320 × 240, red, green and blue."""

import numpy as np
from dora import Node

WIDTH, HEIGHT = 320, 240
EYE = np.array([0.0, -3.2, 0.25])
LAMP = np.array([0.6, -0.8, 0.9])
COLORS = {"crimson": (220, 20, 60), "seagreen": (46, 160, 87), "royalblue": (65, 105, 225), "goldenrod": (228, 175, 32)}


def rays():
    """The direction that each pixel looks into, of length 1."""
    across, up = np.meshgrid(np.linspace(-0.52, 0.52, WIDTH), np.linspace(0.39, -0.39, HEIGHT))
    toward = np.stack([across, np.ones_like(across), up], axis=-1)
    return toward / np.linalg.norm(toward, axis=-1, keepdims=True)


def meet_walls(origin, toward):
    """How far it is to the inside of the room's walls; the wall towards the camera is open."""
    with np.errstate(divide="ignore"):
        far = np.where(toward > 0, 1 - origin, -1 - origin) / toward
    far[..., 1] = np.where(toward[..., 1] > 0, far[..., 1], np.inf)
    axis = far.argmin(axis=-1)
    return far.min(axis=-1), axis


def meet_ball(origin, toward, center, radius):
    """How far it is to a ball; infinite where the ray misses it."""
    away = origin - center
    half = (toward * away).sum(axis=-1)
    inside = half**2 - ((away * away).sum(axis=-1) - radius**2)
    far = -half - np.sqrt(np.maximum(inside, 0))
    return np.where((inside > 0) & (far > 1e-6), far, np.inf)


def shade(point, normal, balls):
    """How much light of the lamp comes to each point: none where a ball stands between."""
    toward = LAMP - point
    distance = np.linalg.norm(toward, axis=-1)
    toward /= distance[..., None]
    light = np.clip((toward * normal).sum(axis=-1), 0, 1)
    for center, radius, _ in balls:
        light[meet_ball(point + 1e-4 * normal, toward, center, radius) < distance] = 0
    return 0.25 + 0.75 * light


def look(toward, balls):
    far, axis = meet_walls(EYE, toward)
    point = EYE + far[..., None] * toward
    normal = -np.sign(point) * np.eye(3)[axis]
    tile = (np.floor(point * 2.5 + 1e-6).sum(axis=-1) - np.take_along_axis(np.floor(point * 2.5 + 1e-6), axis[..., None], -1)[..., 0]) % 2
    color = np.where(tile[..., None] == 0, (205.0, 205.0, 215.0), (165.0, 165.0, 180.0))
    for center, radius, paint in balls:
        nearer = meet_ball(EYE, toward, center, radius)
        hit = nearer < far
        far = np.where(hit, nearer, far)
        point[hit] = EYE + nearer[hit, None] * toward[hit]
        normal[hit] = (point[hit] - center) / radius
        color[hit] = paint
    return color * shade(point, normal, balls)[..., None]


def read(rows):
    """The balls of a table: centre, radius, colour."""
    columns = [rows.field(name).to_numpy() for name in ("x", "y", "z", "radius")]
    paints = [COLORS[name] for name in rows.field("color").to_pylist()]
    return [(np.array(numbers[:3]), numbers[3], paint) for numbers, paint in zip(zip(*columns), paints)]


def main():
    toward = rays()
    node = Node()
    for event in node:
        if event["type"] == "INPUT":
            with node.loan("image", (HEIGHT, WIDTH, 3), "uint8", {"width": WIDTH, "height": HEIGHT}) as image:
                image[:] = look(toward, read(event["value"]))


if __name__ == "__main__":
    main()
