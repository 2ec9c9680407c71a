// What a scan consists of.
#pragma once

struct Point {
    float x, y, z; // m
};
