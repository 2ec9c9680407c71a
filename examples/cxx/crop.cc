// Keeps what is near of each scan. It is an operator: no program of its own, but a shared library that dora loads.
#include <dora/operator.hpp>

#include <cmath>
#include <vector>

#include "point.h"

class Crop
{
  public:
    void on_event(dora::Node &node, const dora::Event &event)
    {
        auto *input = std::get_if<dora::Input>(&event);
        if (!input)
            return;
        near_.clear();
        for (const Point &point : input->as<Point>())
            if (std::hypot(point.x, point.y, point.z) < 3)
                near_.push_back(point);
        node.send("near", near_, input->params());
    }

  private:
    std::vector<Point> near_; // kept, so that only the first scans allocate
};

DORA_OPERATOR(Crop)
