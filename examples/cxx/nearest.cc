// Finds the nearest point of each scan, reading it where it lies in shared memory.
#include <dora/dora.hpp>

#include <algorithm>
#include <cmath>
#include <iostream>

#include "point.h"

int main()
try {
    dora::Node node;
    int scans = 0;
    for (dora::Event &event : node)
        std::visit(dora::overloaded{
                       [&](dora::Input &input) {
                           dora::span<const Point> scan = input.as<Point>();
                           auto distance = [](const Point &point) { return std::hypot(point.x, point.y, point.z); };
                           auto nearest = std::min_element(scan.begin(), scan.end(), [&](auto &one, auto &other) {
                               return distance(one) < distance(other);
                           });
                           if (scans++ % 10 == 0)
                               std::cout << "scan " << input.params().get_or("scan", -1) << ": nearest of "
                                         << scan.size() << " points at " << std::lround(distance(*nearest) * 10) / 10.0
                                         << " m" << std::endl;
                       },
                       [&](dora::NodeFailed &failed) { node.log(dora::LogLevel::error, failed.message()); },
                       [](auto &) {},
                   },
                   event);
    std::cout << "read " << scans << " scans\n";
} catch (const dora::Error &error) {
    std::cerr << error.what() << '\n';
    return 1;
}
