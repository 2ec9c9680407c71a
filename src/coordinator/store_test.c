/* The state: what comes back, what older and newer formats, damage and a lack of space do. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <signal.h>

#include "base/cleanup.h"
#include "coordinator/store_private.h"

#define FIRST  "01900000-0000-7000-8000-000000000001"
#define SECOND "01900000-0000-7000-8000-000000000002"

static char folder[] = "/tmp/dora-store-XXXXXX";
static char path[PATH_MAX];

static int setup(void **state)
{
    (void)state;
    strcpy(folder + sizeof folder - 7, "XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/state.db", folder);
    return 0;
}

static int teardown(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static struct store *open_store(void)
{
    struct store *store;
    struct error error = ERROR_INIT;
    if (store_open(&store, path, &error) < 0)
        fail_msg("%s", error.message);
    return store;
}

static json_t *make(const char *uuid, const char *name, const char *status, double started)
{
    return json_pack("{s:s, s:s?, s:s, s:s, s:s, s:f, s:n, s:n, s:[{s:s}]}", "uuid", uuid, "name", name, "path",
                     "/d/f.yml", "directory", "/d", "status", status, "started", started, "ended", "error", "nodes",
                     "id", "camera");
}

static void add(struct store *store, const char *uuid, const char *name, const char *status, double started)
{
    json_t *dataflow = make(uuid, name, status, started), *options = json_pack("{s:b}", "uv", 1);
    assert_int_equal(store_add(store, dataflow, "nodes: []\n", options, NULL), 0);
    json_decref(dataflow);
    json_decref(options);
}

static void note(void *context, json_t *dataflow)
{
    strcat(context, json_string_value(json_object_get(dataflow, "uuid")) + 35);
}

static void assert_list(struct store *store, enum store_which which, const char *want)
{
    char list[16] = "";
    assert_int_equal(store_each(store, which, STORE_BRIEF, note, list, NULL), 0);
    assert_string_equal(list, want);
}

static void test_it_gives_back_what_it_was_given(void **state)
{
    (void)state;
    struct store *store = open_store();
    add(store, FIRST, "vision", "starting", 1700000000.25);
    add(store, SECOND, NULL, "running", 1700000001);
    json_t *dataflow = make(FIRST, "vision", "failed", 1700000000.25);
    json_object_set_new(dataflow, "ended", json_real(1700000009.5));
    json_object_set_new(dataflow, "error", json_string("it's broken"));
    assert_int_equal(store_update(store, dataflow, NULL), 0);
    store_close(store);

    store = open_store();
    json_t *back, *options;
    autofree char *yaml = NULL;
    assert_int_equal(store_get(store, FIRST, &back, &yaml, &options, NULL), 0);
    assert_true(json_equal(back, dataflow));
    assert_string_equal(yaml, "nodes: []\n");
    assert_true(json_is_true(json_object_get(options, "uv")));
    json_decref(back);
    json_decref(options);
    json_decref(dataflow);
    assert_list(store, STORE_ALL, "21");
    assert_list(store, STORE_LIVE, "2");
    assert_list(store, STORE_ENDED, "1");
    assert_int_equal(store_get(store, "no", NULL, NULL, NULL, NULL), -ENOENT);
    assert_int_equal(store_clean(store, NULL), 0);
    assert_list(store, STORE_ALL, "2");
    store_close(store);
}

static void test_parameters(void **state)
{
    (void)state;
    struct store *store = open_store();
    add(store, FIRST, NULL, "running", 1);
    json_t *value = json_pack("[i, s]", 7, "x"), *back;
    assert_int_equal(store_param_set(store, FIRST, "camera", "rate", value, NULL), 0);
    assert_int_equal(store_param_set(store, FIRST, "camera", "rate", value, NULL), 0);
    assert_int_equal(store_param_get(store, FIRST, "camera", "rate", &back, NULL), 0);
    assert_true(json_equal(value, back));
    json_decref(back);
    assert_int_equal(store_params_copy(store, FIRST, SECOND, NULL), 0);
    assert_int_equal(store_params(store, SECOND, "camera", &back, NULL), 0);
    assert_true(json_equal(value, json_object_get(back, "rate")));
    json_decref(back);
    json_decref(value);
    assert_int_equal(store_param_delete(store, FIRST, "camera", "rate", NULL), 0);
    assert_int_equal(store_param_delete(store, FIRST, "camera", "rate", NULL), -ENOENT);
    assert_int_equal(store_param_get(store, FIRST, "camera", "rate", &back, NULL), -ENOENT);
    assert_int_equal(store_clean(store, NULL), 0); /* those of a dataflow that is not known go too */
    assert_int_equal(store_params(store, SECOND, "camera", &back, NULL), 0);
    assert_int_equal(json_object_size(back), 0);
    json_decref(back);
    store_close(store);
}

static void run_sql(const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    char *why = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s", why);
    sqlite3_close(db);
}

/* As the first development version wrote it. */
static const char format_0[] =
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE dataflow (uuid TEXT PRIMARY KEY, name TEXT, path TEXT NOT NULL, directory TEXT NOT NULL,"
    " yaml TEXT NOT NULL, options TEXT NOT NULL, status TEXT NOT NULL, started REAL NOT NULL, nodes TEXT NOT NULL);"
    "INSERT INTO meta VALUES ('format', '0');"
    "INSERT INTO dataflow VALUES ('" FIRST "', 'vision', '/d/f.yml', '/d', 'nodes: []', '{}', 'running', 5.5,"
    " '[{\"id\": \"camera\"}]');";

static void test_an_older_format_is_migrated(void **state)
{
    (void)state;
    run_sql(format_0);
    struct store *store = open_store();
    json_t *back, *want = make(FIRST, "vision", "running", 5.5);
    assert_int_equal(store_get(store, FIRST, &back, NULL, NULL, NULL), 0);
    assert_true(json_equal(back, want));
    json_decref(back);
    json_decref(want);
    json_t *value = json_true();
    assert_int_equal(store_param_set(store, FIRST, "camera", "on", value, NULL), 0);
    store_close(store);
    store_close(open_store()); /* and once more as what it is now */
}

static void test_where_nodes_are_comes_back_and_an_older_row_has_none(void **state)
{
    (void)state;
    struct store *store = open_store();
    add(store, FIRST, "vision", "running", 5.5);
    json_t *placed = make(SECOND, "both", "running", 6), *options = json_object(), *back;
    json_object_set_new(placed, "placement", json_pack("{s:s, s:n}", "camera", "robot", "screen"));
    assert_int_equal(store_add(store, placed, "nodes: []\n", options, NULL), 0);
    assert_int_equal(store_get(store, FIRST, &back, NULL, NULL, NULL), 0);
    assert_null(json_object_get(back, "placement"));
    json_decref(back);
    assert_int_equal(store_update(store, placed, NULL), 0);
    assert_int_equal(store_get(store, SECOND, &back, NULL, NULL, NULL), 0);
    assert_true(json_equal(back, placed));
    json_decref(back);
    json_t *moved = json_pack("{s:s, s:s}", "camera", "spare", "screen", "robot");
    assert_int_equal(store_place(store, SECOND, moved, NULL), 0);
    assert_int_equal(store_get(store, SECOND, &back, NULL, NULL, NULL), 0);
    assert_true(json_equal(json_object_get(back, "placement"), moved));
    json_decref(back);
    json_decref(moved);
    json_decref(placed);
    json_decref(options);
    store_close(store);
}

static void assert_refused(int code, const char *part)
{
    struct store *store;
    struct error error = ERROR_INIT;
    assert_int_equal(store_open(&store, path, &error), code);
    if (!strstr(error.message, part) || !strstr(error.message, path))
        fail_msg("`%s` is not in: %s", part, error.message);
}

static void test_a_migration_that_fails_changes_nothing(void **state)
{
    (void)state;
    run_sql(format_0);
    run_sql("CREATE TABLE param (in_the_way)");
    assert_refused(-EUCLEAN, "already exists");
    run_sql("DROP TABLE param");
    struct store *store = open_store();
    assert_list(store, STORE_LIVE, "1");
    store_close(store);
}

static void test_a_newer_format_is_refused_and_left_alone(void **state)
{
    (void)state;
    store_close(open_store());
    run_sql("UPDATE meta SET value = '7' WHERE key = 'format'");
    assert_refused(-EPROTONOSUPPORT, "format 7");
    assert_refused(-EPROTONOSUPPORT, "up to 2");
    run_sql("UPDATE meta SET value = 'seven' WHERE key = 'format'");
    assert_refused(-EUCLEAN, "doesn't say its format");
    run_sql("UPDATE meta SET value = '2' WHERE key = 'format'");
    store_close(open_store());
}

static void write_file(size_t offset, const char *text, size_t len)
{
    autofile FILE *file = fopen(path, offset ? "r+" : "w");
    assert_non_null(file);
    fseek(file, (long)offset, SEEK_SET);
    assert_int_equal(fwrite(text, 1, len, file), len);
}

static void test_a_damaged_file_is_named_and_kept(void **state)
{
    (void)state;
    char noise[8192];
    memset(noise, 'x', sizeof noise);
    write_file(0, noise, sizeof noise);
    assert_refused(-EUCLEAN, "is damaged, or not dora's");
    assert_refused(-EUCLEAN, "move it away");

    assert_int_equal(remove(path), 0);
    struct store *store = open_store();
    add(store, FIRST, NULL, "running", 1);
    store_close(store);
    write_file(4096, noise, sizeof noise); /* its tables */
    assert_refused(-EUCLEAN, "is damaged");
    assert_int_equal(access(path, F_OK), 0);
}

static void test_no_space_is_an_error_and_harms_nothing(void **state)
{
    (void)state;
    struct store *store = open_store();
    add(store, FIRST, NULL, "running", 1);
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    none = before;
    none.rlim_cur = 4096; /* stands in for a full disk: the log can't grow */
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    json_t *dataflow = make(SECOND, NULL, "running", 2);
    struct error error = ERROR_INIT;
    int rc = store_add(store, dataflow, "nodes: []", NULL, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(rc < 0);
    assert_non_null(strstr(error.message, path));
    assert_list(store, STORE_ALL, "1");
    assert_int_equal(store_add(store, dataflow, "nodes: []", NULL, &error), 0);
    json_decref(dataflow);
    assert_list(store, STORE_ALL, "21");
    store_close(store);

    run_sql("PRAGMA journal_mode = DELETE; PRAGMA user_version = 0;");
    store = open_store();
    sqlite3_exec(store->db, "PRAGMA max_page_count = 1", NULL, NULL, NULL); /* SQLITE_FULL, as a full disk gives it */
    autofree char *large = malloc(1 << 20);
    memset(large, 'x', (1 << 20) - 1);
    large[(1 << 20) - 1] = '\0';
    dataflow = make("01900000-0000-7000-8000-000000000003", NULL, "running", 3);
    assert_int_equal(store_add(store, dataflow, large, NULL, &error), -ENOSPC);
    assert_non_null(strstr(error.message, "no space left"));
    json_decref(dataflow);
    assert_list(store, STORE_ALL, "21");
    store_close(store);
}

static void test_a_folder_that_is_not_there(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "%s/no/state.db", folder);
    assert_refused(-EIO, "unable to open");
}

static void test_in_memory(void **state)
{
    (void)state;
    strcpy(path, "memory");
    struct store *store = open_store();
    add(store, FIRST, NULL, "running", 1);
    assert_list(store, STORE_ALL, "1");
    store_close(store);
    assert_int_equal(access("memory", F_OK), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_it_gives_back_what_it_was_given),
        TEST(test_parameters),
        TEST(test_an_older_format_is_migrated),
        TEST(test_where_nodes_are_comes_back_and_an_older_row_has_none),
        TEST(test_a_migration_that_fails_changes_nothing),
        TEST(test_a_newer_format_is_refused_and_left_alone),
        TEST(test_a_damaged_file_is_named_and_kept),
        TEST(test_no_space_is_an_error_and_harms_nothing),
        TEST(test_a_folder_that_is_not_there),
        TEST(test_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
