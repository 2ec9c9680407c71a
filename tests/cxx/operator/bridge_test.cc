// dora-operator-api.cc between a host and the operator of operator.cc.
#include <cstdlib>

#include "dora/operator_types.h"
#include "fake_host.h"

#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
extern "C" {
#include <cmocka.h>
}

namespace
{
fake_result told(const char *text)
{
    return fake_input({"words", "C", text});
}

int made(void **)
{
    return *fake_init();
}

int dropped(void **)
{
    fake_refuse(nullptr);
    return *fake_drop();
}

void inputs_are_handed_over(void **)
{
    fake_result result = told("hello");
    assert_string_equal(result.error, "");
    assert_int_equal(result.status, DORA_STATUS_CONTINUE);
    assert_string_equal(result.sent, "said: hello");
    assert_string_equal(told("").sent, "said: ");
    assert_string_equal(fake_input({"tick", "n", nullptr}).sent, "said: ");
    result = told("stop");
    assert_int_equal(result.status, DORA_STATUS_STOP);
    assert_string_equal(result.error, "");
}

void other_events_are_handed_over(void **)
{
    assert_string_equal(fake_input_closed("words").sent, "said: closed: words");
    assert_string_equal(fake_stop().sent, "said: stop after 0");
    fake_result result = fake_nothing();
    assert_string_equal(result.error, "");
    assert_string_equal(result.sent, "");
    assert_int_equal(result.status, DORA_STATUS_CONTINUE);
}

void what_is_not_bytes_is_a_parse_error(void **)
{
    fake_result result = fake_input({"words", "f", "1234"});
    assert_string_equal(result.sent, "said: not read: words: expected bytes, not an Arrow array of type `f`");
    assert_string_equal(result.error, "");
}

void failures_have_a_text(void **)
{
    assert_string_equal(told("fail").error, "that was too much");
    assert_string_equal(told("throw").error, "that was out of range");
    assert_string_equal(told("throw a number").error, "something was thrown that isn't derived from std::exception");
    assert_int_equal(told("throw").status, DORA_STATUS_STOP);
    fake_refuse("the output is closed");
    assert_string_equal(told("hello").error, "the output is closed");
}

void without_an_operator(void **)
{
    setenv("OPERATOR_TEST", "none", 1);
    assert_string_equal(fake_init(), "new_operator() returned no operator");
    setenv("OPERATOR_TEST", "throw in new", 1);
    assert_string_equal(fake_init(), "no camera");
    unsetenv("OPERATOR_TEST");
}

void destructors_may_throw(void **)
{
    assert_string_equal(fake_init(), "");
    setenv("OPERATOR_TEST", "throw in drop", 1);
    assert_string_equal(fake_drop(), "the camera is stuck");
    unsetenv("OPERATOR_TEST");
}
} // namespace

int main()
{
    const CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(inputs_are_handed_over, made, dropped),
        cmocka_unit_test_setup_teardown(other_events_are_handed_over, made, dropped),
        cmocka_unit_test_setup_teardown(what_is_not_bytes_is_a_parse_error, made, dropped),
        cmocka_unit_test_setup_teardown(failures_have_a_text, made, dropped),
        cmocka_unit_test(without_an_operator),
        cmocka_unit_test(destructors_may_throw),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
