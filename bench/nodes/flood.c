/* Sends numbered messages of 8 bytes as fast as it can. Results: messages sent, when it began, when it ended (ns). */
#include "node.h"

int main(void)
{
    int64_t count = bench_param("BENCH_COUNT", 1);
    dora_node *node = node_open();
    int64_t begin = bench_now();
    for (int64_t i = 0; i < count; i++)
        if (dora_send(node, "out", &i, sizeof i, NULL) < 0)
            bench_die("send: %s", dora_node_error(node));
    int64_t results[] = {count, begin, bench_now()};
    dora_node_close(node);
    bench_save(results, sizeof results / sizeof *results);
    return 0;
}
