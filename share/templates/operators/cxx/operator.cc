// Sends a greeting whenever an input arrives.
#include <dora/operator.hpp>

class Greeter
{
  public:
    dora::Status on_event(dora::Node &node, const dora::Event &event)
    {
        if (std::holds_alternative<dora::Input>(event))
            node.send("speech", "Hello from greeter-1");
        return dora::Status::proceed;
    }
};

DORA_OPERATOR(Greeter)
