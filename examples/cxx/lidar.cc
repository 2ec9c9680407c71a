// A made-up lidar: sends a scan of 100,000 points on every tick, written straight into shared memory, and ends
// after 50.
#include <dora/dora.hpp>

#include <cmath>
#include <iostream>

#include "point.h"

int main()
try {
    dora::Node node;
    dora::Params params{{"frame", "lidar"}, {"scan", 0}};
    int scans = 0;
    for (dora::Input &tick : node.inputs()) {
        dora::Loan<Point> scan = node.loan<Point>(100'000);
        float bearing = 0, step = 6.2831853f / static_cast<float>(scan.size());
        for (Point &point : scan) {
            // A round room of 5 m, in which something stands 2 m away and walks around.
            bool hit = std::fabs(bearing - 0.1f * static_cast<float>(scans)) < 0.05f;
            float distance = hit ? 2.0f : 5.0f;
            point = {distance * std::cos(bearing), distance * std::sin(bearing), 0};
            bearing += step;
        }
        params.set("scan", scans).set("ticked", static_cast<std::int64_t>(tick.sequence()));
        node.send("scan", std::move(scan), params);
        if (++scans == 50)
            break;
    }
    std::cout << "sent " << scans << " scans\n";
} catch (const dora::Error &error) {
    std::cerr << error.what() << '\n';
    return 1;
}
