/* The floor between machines: a message from one process to another by the engine alone, as any zenoh program would put
 * and subscribe. bench/machines runs it.
 *
 *     bench_net receive ENDPOINT SIZE COUNT [copy]    listens; then writes when each message was sent and when it came
 *                                                     (see bench.h), 0 for what never did
 *     bench_net send ENDPOINT SIZE COUNT PACE         connects, and publishes a message every PACE ns once it is heard
 *
 * Of the payload only the stamp in its first bytes is written and read; with `copy` the receiver copies it to memory of
 * its own, as who hands it on has to.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "link/net.h"

#define KEY     "bench/data"
#define SILENCE ((int64_t)20 * 1000000000) /* after which nothing comes any more */

struct receiver {
    size_t size, count;
    void *copy;
    int64_t *values; /* sent and came, in turn */
    _Atomic size_t arrived;
};

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void on_message(void *context, const struct net_sample *sample)
{
    struct receiver *receiver = context;
    int64_t now = bench_now(), sent;
    size_t at = atomic_load_explicit(&receiver->arrived, memory_order_relaxed);
    if (at >= receiver->count || sample->len != receiver->size || sample->pieces[0].len < sizeof sent)
        return;
    memcpy(&sent, sample->pieces[0].data, sizeof sent);
    if (receiver->copy) {
        net_copy(sample, receiver->copy);
        now = bench_now();
    }
    receiver->values[2 * at] = sent;
    receiver->values[2 * at + 1] = now;
    /* Pairs with the acquire in receive: the values are there. */
    atomic_store_explicit(&receiver->arrived, at + 1, memory_order_release);
}

static void receive(struct net *net, size_t size, size_t count, bool copies)
{
    struct receiver receiver = {.size = size, .count = count, .values = bench_values(2 * count)};
    if (copies) {
        receiver.copy = malloc(size);
        if (!receiver.copy)
            bench_die("no memory");
        memset(receiver.copy, 1, size);
    }
    struct error error = ERROR_INIT;
    struct net_subscriber *subscriber;
    if (net_subscriber_open(&subscriber, net, KEY, on_message, &receiver, &error))
        bench_die("%s", error.message);
    size_t arrived, last = 0;
    int64_t since = bench_now();
    while ((arrived = atomic_load_explicit(&receiver.arrived, memory_order_acquire)) < count) {
        if (arrived != last)
            since = bench_now();
        else if (bench_now() - since > SILENCE)
            break;
        last = arrived;
        nap();
    }
    net_subscriber_close(subscriber);
    bench_save(receiver.values, 2 * count);
    free(receiver.values);
    free(receiver.copy);
}

static void on_matching(void *context, bool is_matched)
{
    atomic_store((atomic_int *)context, is_matched);
}

static void on_done(void *owner)
{
    /* Pairs with the acquire in send: the engine reads no more. */
    atomic_store_explicit((atomic_int *)owner, 0, memory_order_release);
}

static void send(struct net *net, size_t size, size_t count, int64_t pace)
{
    atomic_int is_heard = 0, is_lent = 0;
    struct net_publisher_options options = {.matching = on_matching, .context = &is_heard};
    struct error error = ERROR_INIT;
    struct net_publisher *publisher;
    if (net_publisher_open(&publisher, net, KEY, &options, &error))
        bench_die("%s", error.message);
    char *data = malloc(size);
    if (!data)
        bench_die("no memory");
    memset(data, 1, size);
    for (int64_t since = bench_now(); !atomic_load(&is_heard); nap())
        if (bench_now() - since > SILENCE)
            bench_die("nobody subscribes");
    int64_t next = 0;
    for (size_t i = 0; i < count; i++) {
        while (atomic_load_explicit(&is_lent, memory_order_acquire))
            nap();
        bench_pace(&next, pace);
        int64_t now = bench_now();
        memcpy(data, &now, sizeof now);
        atomic_store_explicit(&is_lent, 1, memory_order_relaxed);
        if (net_put(publisher, data, size, NULL, 0, on_done, &is_lent))
            bench_die("message %zu could not be sent", i);
    }
    while (atomic_load(&is_heard))
        nap();
    net_publisher_close(publisher);
    free(data);
}

int main(int argc, char **argv)
{
    bool receives = argc >= 5 && strcmp(argv[1], "receive") == 0;
    if (!receives && (argc != 6 || strcmp(argv[1], "send") != 0))
        bench_die("usage: bench_net receive ENDPOINT SIZE COUNT [copy] | send ENDPOINT SIZE COUNT PACE");
    size_t size = strtoul(argv[3], NULL, 10), count = strtoul(argv[4], NULL, 10);
    if (size < sizeof(int64_t) || count == 0)
        bench_die("a message is 8 bytes at least, and one message");
    struct error error = ERROR_INIT;
    const char *const endpoints[] = {argv[2], NULL};
    struct net_options options = {.listen = receives ? endpoints : NULL, .connect = receives ? NULL : endpoints};
    struct net *net;
    if (net_open(&net, &options, &error))
        bench_die("%s", error.message);
    if (receives)
        receive(net, size, count, argc > 5);
    else
        send(net, size, count, strtol(argv[5], NULL, 10));
    net_close(net);
    return 0;
}
