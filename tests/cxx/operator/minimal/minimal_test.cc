// The bridge, where operator.h doesn't declare all functions and includes dora-node-api.h.
#include "dora-operator-api.h" // which brings operator.h along

#include "fake_host.h"

#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
extern "C" {
#include <cmocka.h>
}

std::unique_ptr<Operator> new_operator()
{
    return std::make_unique<Operator>();
}

DoraOnInputResult on_input(Operator &op, rust::Str, rust::Slice<const uint8_t>, OutputSender &output_sender)
{
    op.counter += 1;
    rust::Slice<const uint8_t> out_slice{&op.counter, 1};
    auto send_result = send_output(output_sender, rust::Str("status"), out_slice);
    return {send_result.error, op.counter == '2'};
}

static void what_is_not_declared_is_passed_over(void **)
{
    assert_string_equal(fake_init(), "");
    assert_string_equal(fake_input({"words", "C", "hello"}).sent, "status: \x01");
    for (fake_result result : {fake_input_closed("words"), fake_stop()}) {
        assert_string_equal(result.error, "");
        assert_int_equal(result.status, 0);
    }
    assert_string_equal(fake_input({"words", "f", "1234"}).error,
                        "input `words`: expected bytes, not an Arrow array of type `f`");
    assert_string_equal(fake_drop(), "");
}

int main()
{
    const CMUnitTest tests[] = {cmocka_unit_test(what_is_not_declared_is_passed_over)};
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
