#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "operator/library.h"

static int open_library(const char *file, struct error *error)
{
    struct operator_library library;
    *error = (struct error)ERROR_INIT;
    return library_open(&library, file, error);
}

static void a_whole_one_is_loaded(void **state)
{
    (void)state;
    struct operator_library library;
    struct error error = ERROR_INIT;
    if (library_open(&library, OPERATOR_PROBE, &error) < 0)
        fail_msg("%s", error.message);
    assert_non_null(library.init.init_operator);
    assert_non_null(library.on_event.on_event);
    assert_non_null(library.drop.drop_operator);
}

static void what_lacks_a_function_is_named(void **state)
{
    (void)state;
    struct error error;
    assert_int_equal(open_library(OPERATOR_INCOMPLETE, &error), -ELIBBAD);
    assert_non_null(strstr(error.message, OPERATOR_INCOMPLETE));
    assert_non_null(strstr(error.message, "no function `dora_on_event`"));
}

/* A file that begins with this program's first bytes, after `change`. */
static void check_file(void (*change)(Elf64_Ehdr *), size_t size, const char *expected)
{
    char name[] = "/tmp/operator-XXXXXX";
    autoclose int fd = mkstemp(name);
    autoclose int own = open("/proc/self/exe", O_RDONLY);
    union {
        Elf64_Ehdr head;
        char bytes[4096];
    } data;
    assert_int_equal(read(own, data.bytes, sizeof data), sizeof data);
    if (change)
        change(&data.head);
    assert_int_equal(write(fd, data.bytes, size), size);
    struct error error;
    int rc = open_library(name, &error);
    unlink(name);
    assert_true(rc < 0);
    assert_non_null(strstr(error.message, name));
    if (!strstr(error.message, expected))
        fail_msg("`%s` instead of `%s`", error.message, expected);
}

static void of_another_machine(Elf64_Ehdr *head)
{
    head->e_machine = head->e_machine == EM_RISCV ? EM_AARCH64 : EM_RISCV;
}

static void of_another_class(Elf64_Ehdr *head)
{
    head->e_ident[EI_CLASS] = head->e_ident[EI_CLASS] == ELFCLASS64 ? ELFCLASS32 : ELFCLASS64;
}

static void of_another_type(Elf64_Ehdr *head)
{
    head->e_type = ET_REL;
}

static void spoilt(Elf64_Ehdr *head)
{
    head->e_ident[0] = '#';
}

static void what_is_no_library_of_this_machine_is_said_plainly(void **state)
{
    (void)state;
    struct error error;
    assert_int_equal(open_library("/nonexistent/libdetect.so", &error), -ENOENT);
    assert_non_null(strstr(error.message, "there is no /nonexistent/libdetect.so"));
    check_file(of_another_machine, 4096, "is built for ");
    check_file(of_another_class, 4096, "is built for ");
    check_file(of_another_type, 4096, "no shared library: link it with -shared");
    check_file(spoilt, 4096, "is no shared library");
    check_file(NULL, 10, "is no shared library");
    check_file(NULL, 0, "is no shared library");
    check_file(NULL, sizeof(Elf64_Ehdr) - 8, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_one_is_loaded),
        cmocka_unit_test(what_lacks_a_function_is_named),
        cmocka_unit_test(what_is_no_library_of_this_machine_is_said_plainly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
