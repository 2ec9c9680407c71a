// operator.hpp between a host and operators of this file. Their node is `source` of two nodes of this process, and
// their events are those of `sink`, to which it sends.
#include <algorithm>

#include "dora/operator.hpp"

#include "fake_host.h"
#include "pair.h"

#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
extern "C" {
#include <cmocka.h> // last, since it makes a macro of `fail`
}

using namespace std::chrono_literals;

namespace
{
// Does what the input says, else sends it back, doubled.
class Doubler
{
  public:
    Doubler()
    {
        if (refuses)
            throw std::runtime_error("no camera");
    }
    Doubler(const Doubler &) = delete;
    ~Doubler() noexcept(false)
    {
        if (node_)
            node_->send("out", "bye");
        if (refuses)
            throw std::runtime_error("the camera is stuck");
    }

    dora::Status on_event(dora::Node &node, const dora::Event &event)
    {
        node_ = &node;
        if (auto *stop = std::get_if<dora::Stop>(&event)) {
            node.send("out", stop->cause() == dora::StopCause::manual ? "stop" : "the end");
            return dora::Status::stop_all;
        }
        auto &input = std::get<dora::Input>(event); // throws of others
        if (input.text() == "stop")
            return dora::Status::stop;
        if (input.text() == "elsewhere")
            node.send("elsewhere", "");
        if (input.text() == "wait")
            throw dora::Error(-ECANCELED, "the dataflow stops");
        if (input.text() == "throw a number")
            throw 42;
        auto doubled = node.loan<char>(2 * input.size_bytes());
        std::copy_n(input.text().data(), input.size_bytes(), doubled.data());
        std::copy_n(input.text().data(), input.size_bytes(), doubled.data() + input.size_bytes());
        node.send("out", std::move(doubled), input.params());
        return dora::Status::proceed;
    }

    static bool refuses;

  private:
    dora::Node *node_ = nullptr;
};
bool Doubler::refuses = false;

// Is made from its node, and says nothing of its status.
class Late
{
  public:
    explicit Late(dora::Node &node) : node_(node)
    {
        node_.send("out", "made");
    }
    void on_event(dora::Node &node, const dora::Event &event)
    {
        if (&node == &node_)
            node_.send("out", std::get<dora::Input>(event).text());
    }

  private:
    dora::Node &node_;
};

class Nodes
{
  public:
    Nodes()
    {
        dora_node *from, *to;
        pair_ = pair_open(&from, &to);
        source = dora::Node(from);
        sink = dora::Node(to);
        fake_set(source.get(), nullptr);
    }
    ~Nodes()
    {
        fake_set(nullptr, nullptr);
        source = dora::Node(nullptr);
        sink = dora::Node(nullptr);
        pair_close(pair_);
    }
    dora::Event next()
    {
        auto event = sink.next(5s);
        assert_true(event.has_value());
        return std::move(*event);
    }
    std::string said()
    {
        return std::string(std::get<dora::Input>(next()).text());
    }
    // What the operator does of this event, which is still there afterwards.
    fake_result handles(const dora::Event &event)
    {
        std::visit([&](auto &one) { fake_set(source.get(), one.get()); }, event);
        return fake_nothing();
    }
    fake_result handles(const char *text)
    {
        source.send("out", text, dora::Params{{"frame", 7}});
        dora::Event event = next();
        fake_result result = handles(event);
        assert_true(std::get<dora::Input>(event).text() == text);
        return result;
    }
    void stop()
    {
        pair_stop(pair_);
    }

    dora::Node source{nullptr}, sink{nullptr};

  private:
    struct pair *pair_;
};

void events_are_lent(void **)
{
    Nodes nodes;
    assert_string_equal(fake_init(), "");
    fake_result result = nodes.handles("hello");
    assert_string_equal(result.error, "");
    assert_int_equal(result.status, DORA_STATUS_CONTINUE);
    dora::Event sent = nodes.next();
    assert_true(std::get<dora::Input>(sent).text() == "hellohello");
    assert_int_equal(std::get<dora::Input>(sent).params().get_or("frame", 0), 7);
    assert_int_equal(nodes.handles("stop").status, DORA_STATUS_STOP);
    nodes.stop();
    assert_int_equal(nodes.handles(nodes.next()).status, DORA_STATUS_STOP_ALL);
    assert_string_equal(fake_drop(), "");
}

void the_node_is_there_to_the_end_and_stays(void **)
{
    Nodes nodes;
    assert_string_equal(fake_init(), "");
    assert_int_equal(nodes.handles("hello").status, DORA_STATUS_CONTINUE);
    assert_string_equal(nodes.said().c_str(), "hellohello");
    assert_string_equal(fake_drop(), "");
    assert_string_equal(nodes.said().c_str(), "bye");
    nodes.source.send("out", "still here");
    assert_string_equal(nodes.said().c_str(), "still here");
}

void failures_have_a_text(void **)
{
    Nodes nodes;
    assert_string_equal(fake_init(), "");
    fake_result result = nodes.handles("elsewhere");
    assert_non_null(std::strstr(result.error, "elsewhere"));
    assert_int_equal(result.status, DORA_STATUS_STOP);
    assert_string_equal(nodes.handles("throw a number").error,
                        "something was thrown that isn't derived from std::exception");
    result = nodes.handles("wait"); // which a stop cut off
    assert_string_equal(result.error, "");
    assert_int_equal(result.status, DORA_STATUS_CONTINUE);
    Doubler::refuses = true;
    assert_string_equal(fake_drop(), "the camera is stuck");
    assert_string_equal(fake_init(), "no camera");
    Doubler::refuses = false;
    assert_string_equal(fake_init(), "");
    fake_set(nullptr, nullptr);
    assert_string_equal(fake_nothing().error, "this operator runs on hosts of this dora only");
    assert_string_equal(fake_drop(), "");
}

void an_operator_may_be_made_from_its_node(void **)
{
    Nodes nodes;
    using Operator = dora::detail::Operator<Late>;
    DoraInitResult_t made = Operator::init();
    assert_null(made.result.error);
    nodes.source.send("out", "hello");
    dora::Event event = nodes.next();
    fake_set(nodes.source.get(), std::get<dora::Input>(event).get());
    auto outputs = static_cast<const SendOutput_t *>(fake_outputs());
    OnEventResult_t result = Operator::on_event(outputs, made.operator_context);
    assert_null(result.result.error);
    assert_int_equal(result.status, DORA_STATUS_CONTINUE);
    assert_string_equal(nodes.said().c_str(), "made");
    assert_string_equal(nodes.said().c_str(), "hello");
    assert_null(Operator::drop(made.operator_context).error);
    assert_null(Operator::drop(Operator::init().operator_context).error); // never made
}
} // namespace

DORA_OPERATOR(Doubler);

int main()
{
    const CMUnitTest tests[] = {
        cmocka_unit_test(events_are_lent),
        cmocka_unit_test(the_node_is_there_to_the_end_and_stays),
        cmocka_unit_test(failures_have_a_text),
        cmocka_unit_test(an_operator_may_be_made_from_its_node),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
