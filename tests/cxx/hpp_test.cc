// dora.hpp between two nodes of this process.
#include <array>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "dora/dora.hpp"
#include "pair.h"

#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
extern "C" {
#include <cmocka.h> // last, since it makes a macro of `fail`
}

using namespace std::chrono_literals;
using namespace std::string_literals;

#if __cplusplus >= 202002L
#include <ranges>
static_assert(std::ranges::input_range<dora::Events<dora::Event>>);
static_assert(std::ranges::input_range<dora::Node &>);
#endif
static_assert(!std::is_copy_constructible_v<dora::Node> && std::is_nothrow_move_constructible_v<dora::Node>);
static_assert(!std::is_copy_constructible_v<dora::Event> && std::is_nothrow_move_constructible_v<dora::Event>);
static_assert(sizeof(dora::Event) == 2 * sizeof(void *));

// Every allocation of this program by C++ is counted.
static std::size_t allocations;

void *operator new(std::size_t size)
{
    allocations++;
    if (void *memory = std::malloc(size))
        return memory;
    throw std::bad_alloc();
}

void operator delete(void *memory) noexcept
{
    std::free(memory);
}

void operator delete(void *memory, std::size_t) noexcept
{
    std::free(memory);
}

namespace
{
class Pair
{
  public:
    Pair()
    {
        dora_node *from, *to;
        pair_ = pair_open(&from, &to);
        source = dora::Node(from);
        sink = dora::Node(to);
    }
    ~Pair()
    {
        source = dora::Node(nullptr);
        sink = dora::Node(nullptr);
        pair_close(pair_);
    }
    void stop()
    {
        pair_stop(pair_);
    }
    dora::Input input()
    {
        auto event = sink.next(5s);
        assert_true(event.has_value());
        assert_true(std::holds_alternative<dora::Input>(*event));
        return std::get<dora::Input>(std::move(*event));
    }

    dora::Node source{static_cast<dora_node *>(nullptr)}, sink{static_cast<dora_node *>(nullptr)};

  private:
    struct pair *pair_;
};

template <class Call> int code_of(Call call)
{
    try {
        call();
    } catch (const dora::Error &error) {
        assert_true(std::string(error.what()).size() > 0);
        return error.code();
    }
    return 0;
}

struct Pose {
    float x, y, angle;
};

void data_travels_with_its_type(void **)
{
    Pair pair;
    assert_true(pair.source.id() == "source");
    assert_true((pair.source.output_names() == std::vector<std::string_view>{"out", "other"}));
    assert_true((pair.sink.input_names() == std::vector<std::string_view>{"in", "second"}));

    pair.source.send("out", "hello");
    assert_true(pair.input().text() == "hello");
    pair.source.send("out"s, "hello"s);
    assert_true(pair.input().text() == "hello");
    pair.source.send("out");
    assert_int_equal(pair.input().bytes().size(), 0);

    pair.source.send("out", 21.5);
    dora::Input one = pair.input();
    assert_string_equal(one.format(), "g");
    assert_true(one.as<double>()[0] == 21.5);

    std::vector<float> many(1000, 0.5f);
    pair.source.send("out", many);
    dora::Input input = pair.input();
    assert_string_equal(input.format(), "f");
    assert_true(input.is<float>() && !input.is<double>() && !input.is<std::uint8_t>());
    assert_int_equal(input.as<float>().size(), 1000);
    assert_true(input.as<float>()[999] == 0.5f);
    assert_int_equal(code_of([&] { input.as<std::int16_t>(); }), -EINVAL);

    std::array<Pose, 2> poses{{{1, 2, 3}, {4, 5, 6}}};
    pair.source.send("out", poses);
    dora::Input bytes = pair.input();
    assert_string_equal(bytes.format(), "C");
    assert_true(bytes.as<Pose>()[1].angle == 6);
    assert_int_equal(bytes.sequence(), 6 - 1);
    assert_int_equal(code_of([&] { bytes.as<std::array<char, 7>>(); }), -EINVAL);
}

void loans_are_written_in_place(void **)
{
    Pair pair;
    dora::Loan<std::int32_t> loan = pair.source.loan<std::int32_t>(10000);
    assert_int_equal(loan.size(), 10000);
    std::int32_t next = 0;
    for (std::int32_t &value : loan)
        value = next++;
    pair.source.send("out", std::move(loan));
    assert_false(static_cast<bool>(loan));
    dora::Sample<std::int32_t> kept = pair.input().keep<std::int32_t>();
    assert_int_equal(kept.size(), 10000);
    assert_int_equal(kept[9999], 9999);

    dora::Sample<float> shared = [&] {
        auto image = pair.source.loan<float>(640 * 480);
        image[0] = 1;
        return pair.source.share("out", std::move(image));
    }();
    pair.source.share("other", shared);
    assert_true(pair.input().as<float>()[0] == 1);
    assert_true(pair.input().as<float>()[0] == 1);
    assert_int_equal(code_of([&] { pair.sink.share("out", shared); }), -EINVAL);
    pair.source = dora::Node(nullptr);
    assert_true(shared[0] == 1 && kept[1] == 1);

    dora::Loan<Pose> huge;
    assert_int_equal(pair.sink.try_loan(huge, SIZE_MAX / 4), -ENOSPC);
}

void parameters_have_types(void **)
{
    Pair pair;
    std::vector<std::int64_t> ids{1, 2, 3};
    const char *names[] = {"a", "b"};
    dora::Timestamp time{1500ns};
    dora::Params params{{"speed", 1.5}, {"count", 7}, {"on", true},   {"name", "left"},
                        {"text", "x"s}, {"ids", ids}, {"time", time}, {"names", names}};
    pair.source.send("out", "x", params);
    dora::Input input = pair.input();
    dora::ParamsView view = input.params();
    assert_int_equal(view.size(), 8);
    assert_true(view.get<double>("speed") == 1.5 && view.get<float>("count") == 7.0f);
    assert_true(view.get<int>("count") == 7 && view.get<std::uint8_t>("count") == 7);
    assert_false(view.get<int>("speed").has_value());
    assert_true(view.get<bool>("on") == true);
    assert_true(view.get<std::string_view>("name") == "left" && view.get<std::string>("text") == "x");
    assert_true(view.get<dora::span<const std::int64_t>>("ids")->back() == 3);
    assert_string_equal((*view.get<dora::span<const char *const>>("names"))[1], "b");
    assert_true(view.get<dora::Timestamp>("time") == time);
    assert_int_equal(view.get_or("missing", 5), 5);
    assert_false(view.contains("missing"));
    std::string keys;
    for (dora::Param param : view)
        keys += param.key();
    assert_true(keys == "countidsnamenamesonspeedtexttime");

    params.set("count", 300).set("more", -1);
    assert_false(params.view().get<std::uint8_t>("count").has_value());
    assert_false(params.view().get<unsigned>("more").has_value());
    dora::Params copy(input.params());
    assert_int_equal(copy.view().size(), 8);
    const double *nothing = nullptr;
    assert_int_equal(code_of([&] { copy.set(dora::Param("list", dora::span<const double>(nothing, 1))); }), -EINVAL);
}

void the_ranges_end_with_the_stream(void **)
{
    Pair pair;
    std::string seen;
    for (int i = 0; i < 3; i++)
        pair.source.send("out", i);
    pair.stop();
    for (dora::Event &event : pair.sink)
        std::visit(
            dora::overloaded{[&](dora::Input &input) { seen += std::to_string(input.as<int>()[0]); },
                             [&](dora::Stop &stop) { seen += stop.cause() == dora::StopCause::manual ? 'S' : 's'; },
                             [&](auto &) { seen += '?'; }},
            event);
    assert_true(seen == "S012");
    assert_false(pair.sink.next().has_value());
    dora::Event event;
    assert_int_equal(pair.sink.try_next(event), -ENODATA);
    for (dora::Input &input : pair.sink.inputs())
        assert_null(input.get());
}

void inputs_are_all_that_one_range_shows(void **)
{
    Pair pair;
    pair.source.send("out", "a");
    pair.source.send("other", "b");
    pair.stop();
    std::string seen;
    std::vector<dora::Input> kept;
    for (dora::Input &input : pair.sink.inputs()) {
        seen += input.text();
        kept.push_back(std::move(input));
    }
    assert_true(seen == "ab" || seen == "ba");
    assert_true(kept[0].id() == "in" || kept[1].id() == "in");
}

void failures_are_thrown_or_returned(void **)
{
    Pair pair;
    assert_int_equal(code_of([&] { pair.source.send("none", "x"); }), -ENOENT);
    assert_int_equal(pair.source.try_send("none", "x"), -ENOENT);
    assert_true(pair.source.last_error().find("none") != std::string_view::npos);
    assert_int_equal(code_of([&] { pair.source.send("none", pair.source.loan(3)); }), -ENOENT);
    assert_int_equal(code_of([&] { pair.source.input_stats("none"); }), -ENOENT);
    assert_false(pair.sink.next(0ns).has_value());
    dora::Event event;
    assert_int_equal(pair.sink.try_next(event, 1ms), -ETIMEDOUT);
    pair.source.close_output("out");
    assert_int_equal(pair.source.try_send("out", "x"), -EPIPE);
    unsetenv("DORA_NODE_CONFIG");
    assert_int_equal(code_of([] { dora::Node(); }), -ENOENT);
    // An array that contradicts itself.
    dora::ArrowData bad;
    assert_int_equal(code_of([&] { pair.source.send("other", std::move(bad)); }), -EINVAL);
}

void arrow_arrays_pass_through(void **)
{
    Pair pair;
    pair.source.send("out", std::vector<std::int64_t>{1, 2, 3});
    dora::ArrowData data = pair.input().arrow();
    assert_int_equal(data.array.length, 3);
    assert_string_equal(data.schema.format, "l");
    dora::ArrowData moved = std::move(data);
    pair.source.send("out", std::move(moved));
    assert_true(pair.input().as<std::int64_t>()[2] == 3);
}

void requests_are_answered(void **)
{
    Pair pair;
    dora::Id id = pair.source.request("out", "question");
    dora::Input request = pair.input();
    assert_true(request.request_id() == id);
    assert_int_equal(code_of([&] { pair.sink.reply("none", request, "answer"); }), -ENOENT);

    // The sink itself plays the client that waits, since only its inputs are joined to anything.
    pair.source.send("other", "first");
    pair.source.send("out", "answer", dora::Params{{"request_id", id.c_str()}});
    assert_true(pair.sink.await_reply(id, nullptr, 5s)->text() == "answer");
    assert_true(pair.input().text() == "first");
    assert_false(pair.sink.await_reply(dora::Id::make(), nullptr, 1ms).has_value());
    dora::Id goal = dora::Id::make();
    pair.source.send_feedback("out", goal, 1);
    pair.source.send_result("out", goal, dora::GoalStatus::canceled, "over");
    auto result = pair.sink.await_result(goal, "source", 5s);
    assert_true(result->status == dora::GoalStatus::canceled && result->input.text() == "over");
    assert_true(pair.input().goal_id() == goal);

    dora::Stream stream(pair.source, "out");
    stream.send("one");
    stream.send("two", true);
    assert_int_equal(pair.input().chunk()->sequence, 0);
    dora::Input last = pair.input();
    assert_true(last.chunk()->last && last.chunk()->segment == 0 && stream.at().segment == 1);
    pair.stop();
    assert_int_equal(code_of([&] { pair.sink.await_reply(id); }), -ECANCELED);
}

void the_way_of_a_message_allocates_nothing(void **)
{
    Pair pair;
    dora::Params params{{"n", 0}};
    std::vector<float> values(100);
    std::size_t sum = 0;
    std::size_t before = allocations;
    for (int i = 0; i < 100; i++) {
        pair.source.send("out", "text", params);
        pair.source.send("out", values);
        pair.source.send("out", pair.source.loan<double>(100));
        for (int n = 0; n < 3; n++)
            sum += pair.sink.next(5s).has_value();
    }
    assert_int_equal(allocations, before);
    assert_int_equal(sum, 300);
}
} // namespace

int main()
{
    const CMUnitTest tests[] = {
        cmocka_unit_test(data_travels_with_its_type),
        cmocka_unit_test(loans_are_written_in_place),
        cmocka_unit_test(parameters_have_types),
        cmocka_unit_test(the_ranges_end_with_the_stream),
        cmocka_unit_test(inputs_are_all_that_one_range_shows),
        cmocka_unit_test(failures_are_thrown_or_returned),
        cmocka_unit_test(arrow_arrays_pass_through),
        cmocka_unit_test(requests_are_answered),
        cmocka_unit_test(the_way_of_a_message_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
