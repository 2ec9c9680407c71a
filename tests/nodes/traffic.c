/* A node of the chaos tests: it sends, passes on and checks messages, and keeps account of it in a file that survives
 * its death.
 *
 *     traffic ACCOUNTS [send] [relay] [slow] [stay]
 *
 * `send`: sends bursts on `out`, its own numbers on each message. `relay`: sends one message for each received. `slow`:
 * takes its time, so that queues overflow. Every message says which generation of the publisher sent it and which of
 * its messages it is, and the rest of its bytes follow from that. The account is ACCOUNTS/<node>.<generation>, one
 * struct account; test_chaos.py reads it, so the layouts must agree.
 */
#include <dora/dora.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { SEEN_MOST = 4096, INPUTS_MOST = 8, NAME = 16, KEPT = 8, LARGEST = 40000 };

/* What came on one input from one generation of its publisher. */
struct seen {
    char input[NAME];
    uint64_t generation, first, last, count;
    uint64_t gaps, disorder, corrupt; /* messages missing in between; not newer than the last; wrong bytes */
};

struct input {
    char id[NAME];
    uint64_t received, dropped, closed;
};

struct account {
    uint64_t pid, opening, opened, finished; /* CLOCK_MONOTONIC, ns */
    uint64_t attempted, sent, failed;        /* messages on `out`: begun, done, refused */
    uint64_t kept_corrupt, errors;           /* samples that changed while they were kept; Error events */
    uint64_t seen_count;
    struct input inputs[INPUTS_MOST];
    struct seen seen[SEEN_MOST];
};

struct message {
    uint64_t generation, number;
    uint64_t words[];
};

struct kept {
    dora_sample *sample;
    uint64_t generation, number;
};

static struct account *account;
static uint64_t generation;
static bool is_refused; /* a message was: the dataflow stops. What came after it would leave a gap */

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint64_t word_of(uint64_t gen, uint64_t number, uint64_t index)
{
    return (gen * 0x9e3779b97f4a7c15u ^ number * 0xc2b2ae3d27d4eb4fu) + index * 0x165667b19e3779f9u;
}

static bool is_whole(const void *data, size_t size, uint64_t gen, uint64_t number)
{
    const struct message *message = data;
    if (message->generation != gen || message->number != number)
        return false;
    for (size_t i = 0; i < (size - sizeof *message) / 8; i++)
        if (message->words[i] != word_of(gen, number, i))
            return false;
    return true;
}

static void fill(struct message *message, size_t size, uint64_t number)
{
    message->generation = generation;
    message->number = number;
    for (size_t i = 0; i < (size - sizeof *message) / 8; i++)
        message->words[i] = word_of(generation, number, i);
}

/* Sends the next message; in place or by copy in turn. */
static void send_one(dora_node *node)
{
    uint64_t number = account->attempted;
    size_t room = number % 7 == 0 ? LARGEST : number % 3 == 0 ? 1000 : 60;
    size_t size = sizeof(struct message) + (size_t)random() % room / 8 * 8;
    dora_sample *sample = NULL;
    char copy[sizeof(struct message) + LARGEST] __attribute__((aligned(8)));
    int rc = number % 2 ? dora_loan(node, size, &sample) : 0;
    if (rc < 0) {
        account->failed++;
        is_refused = true;
        return;
    }
    fill(sample ? dora_sample_data(sample) : (void *)copy, size, number);
    account->attempted++;
    rc = sample ? dora_send_sample(node, "out", sample, NULL, NULL) : dora_send(node, "out", copy, size, NULL);
    if (rc == 0)
        account->sent++;
    else
        account->failed++;
    is_refused = rc < 0;
}

static struct seen *find_seen(const char *input, uint64_t gen)
{
    /* From the newest: there it is, almost always. */
    for (uint64_t i = account->seen_count; i-- > 0;)
        if (account->seen[i].generation == gen && strcmp(account->seen[i].input, input) == 0)
            return &account->seen[i];
    if (account->seen_count == SEEN_MOST)
        return NULL;
    struct seen *seen = &account->seen[account->seen_count];
    snprintf(seen->input, sizeof seen->input, "%s", input);
    seen->generation = gen;
    account->seen_count++;
    return seen;
}

static void check(const dora_event *event, struct kept *kept)
{
    size_t size;
    const struct message *message = dora_event_data(event, &size);
    if (size < sizeof *message || size % 8) {
        account->errors++;
        return;
    }
    uint64_t gen = message->generation, number = message->number;
    struct seen *seen = find_seen(dora_event_id(event), gen);
    if (!seen) {
        account->errors++;
        return;
    }
    if (!is_whole(message, size, gen, number))
        seen->corrupt++;
    if (seen->count == 0)
        seen->first = number;
    else if (number <= seen->last)
        seen->disorder++;
    else
        seen->gaps += number - seen->last - 1;
    seen->last = number;
    seen->count++;
    if (kept->sample &&
        !is_whole(dora_sample_data(kept->sample), dora_sample_size(kept->sample), kept->generation, kept->number))
        account->kept_corrupt++;
    dora_sample_release(kept->sample);
    *kept = (struct kept){dora_event_keep(event), gen, number};
}

static void take_stock(dora_node *node)
{
    for (size_t i = 0; i < INPUTS_MOST && dora_input_name(node, i); i++) {
        struct input *input = &account->inputs[i];
        dora_input_stats stats;
        if (dora_get_input_stats(node, dora_input_name(node, i), &stats) < 0)
            continue;
        snprintf(input->id, sizeof input->id, "%s", dora_input_name(node, i));
        input->received = stats.received;
        input->dropped = stats.dropped;
    }
}

static int open_account(const char *folder, const char *id)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.%llu", folder, id, (unsigned long long)generation);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof *account) < 0)
        return perror(path), -1;
    account = mmap(NULL, sizeof *account, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return account == MAP_FAILED ? -1 : 0;
}

int main(int argc, char **argv)
{
    bool sends = false, relays = false, is_slow = false;
    for (int i = 2; i < argc; i++) {
        sends |= strcmp(argv[i], "send") == 0;
        relays |= strcmp(argv[i], "relay") == 0;
        is_slow |= strcmp(argv[i], "slow") == 0;
    }
    uint64_t opening = now();
    dora_node *node;
    dora_error error;
    if (dora_node_open(&node, NULL, &error) < 0)
        return fprintf(stderr, "%s\n", error.message), 1;
    generation = dora_restart_count(node);
    srandom((unsigned)getpid());
    if (argc < 2 || open_account(argv[1], dora_node_id(node)) < 0)
        return 1;
    account->opened = now();
    account->opening = opening;
    account->pid = (uint64_t)getpid();
    struct kept kept[KEPT] = {{0}};
    uint64_t received = 0;
    for (;;) {
        for (long i = sends ? random() % 32 : 0; i > 0 && !is_refused; i--)
            send_one(node);
        dora_event *event;
        int rc = dora_next(node, &event, sends ? 300 * 1000 : 100 * 1000 * 1000);
        if (rc == -ENODATA)
            break;
        if (rc < 0)
            continue;
        dora_event_kind kind = dora_event_type(event);
        if (kind == DORA_EVENT_INPUT && dora_event_size(event)) {
            check(event, &kept[received++ % KEPT]);
            if (relays && !is_refused)
                send_one(node);
            if (is_slow)
                usleep(500);
        } else if (kind == DORA_EVENT_ERROR) {
            fprintf(stderr, "%s: %s\n", dora_event_id(event), dora_event_text(event));
            account->errors++;
        } else if (kind == DORA_EVENT_STOP) {
            sends = relays = false;
        }
        dora_event_free(event);
        if (received % 64 == 0)
            take_stock(node);
    }
    take_stock(node);
    for (int i = 0; i < KEPT; i++)
        dora_sample_release(kept[i].sample);
    account->finished = now();
    dora_node_close(node);
    return 0;
}
