// Sends texts back in capitals with their parameters, and says what else happens.
#include <dora/operator.hpp>

#include <cctype>
#include <iostream>

class Operator
{
  public:
    explicit Operator(dora::Node &node) : node_(node)
    {
        node_.log(dora::LogLevel::info, "made");
    }
    ~Operator()
    {
        node_.send("said", "bye");
    }

    dora::Status on_event(dora::Node &node, const dora::Event &event)
    {
        return std::visit(dora::overloaded{
                              [&](const dora::Input &input) { return on_input(node, input); },
                              [](const dora::NodeFailed &failed) {
                                  std::cout << failed.node() << " failed: " << failed.message() << std::endl;
                                  return dora::Status::proceed;
                              },
                              [](const auto &) { return dora::Status::proceed; },
                          },
                          event);
    }

  private:
    dora::Status on_input(dora::Node &node, const dora::Input &input)
    {
        if (input.text() == "stop all")
            return dora::Status::stop_all;
        auto said = node.loan<char>(input.size_bytes());
        for (std::size_t i = 0; i < said.size(); i++)
            said[i] = static_cast<char>(std::toupper(input.text()[i]));
        last_ = input.keep();
        node.send("said", std::move(said), input.params());
        if (input.text() == "throw")
            node.send("elsewhere", last_.values());
        return dora::Status::proceed;
    }

    dora::Node &node_;
    dora::Sample<> last_;
};

DORA_OPERATOR(Operator)
