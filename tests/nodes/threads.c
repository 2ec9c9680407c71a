/* A node that uses the library from many threads at once, as its header allows.
 *
 *     threads send SENDERS COUNT     each thread sends COUNT numbered messages on `shared` and on `own<i>`, by copy and
 * by loan in turn, and closes `own<i>` at its end; one thread closes `early` at any moment threads receive RELEASERS
 * checks what comes, and hands each sample to a thread that reads and releases it; one more thread looks at the node's
 * counters and logs meanwhile threads both SENDER RECEIVER   the dynamic nodes of these names, both in this one process
 *
 * A receiver prints `input: count` for each input, and fails when something is missing or out of order.
 */
#include <dora/dora.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { THREADS_MOST = 8, HANDED = 64, INPUTS_MOST = 16, WORDS = 40 };

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static dora_node *join(const char *id)
{
    dora_node *node;
    dora_error error;
    /* A dynamic node's dataflow may not be there yet. */
    for (int i = 0; i < 1000; i++) {
        int rc = dora_node_open(&node, &(dora_node_options){.node_id = id}, &error);
        if (rc == 0)
            return node;
        if (!id)
            break;
        usleep(10000);
    }
    fail("join", error.message);
    return NULL;
}

/* ---- Sending ---- */

struct sender {
    dora_node *node;
    pthread_t thread;
    uint64_t number, count;
};

/* A message: who sends it, its number, and words that follow from both. */
static void fill(uint64_t *words, uint64_t sender, uint64_t number)
{
    words[0] = sender;
    words[1] = number;
    for (size_t i = 2; i < WORDS; i++)
        words[i] = sender * 1000003 + number * 17 + i;
}

static int send_one(dora_node *node, const char *output, uint64_t sender, uint64_t number)
{
    uint64_t words[WORDS];
    /* Now one that fits a queue's slot, now one that takes a block. */
    size_t size = number % 3 ? sizeof words : 2 * sizeof *words;
    dora_sample *sample, *other;
    fill(words, sender, number);
    if (number % 2)
        return dora_send(node, output, words, size, NULL);
    int rc = dora_loan(node, size, &sample);
    if (rc < 0)
        return rc;
    if (dora_loan(node, 5000, &other) == 0)
        dora_sample_release(other);
    memcpy(dora_sample_data(sample), words, size);
    return dora_send_sample(node, output, sample, "L", NULL);
}

static void *run_sender(void *context)
{
    struct sender *sender = context;
    char own[16];
    snprintf(own, sizeof own, "own%" PRIu64, sender->number);
    for (uint64_t i = 0; i < sender->count; i++)
        if (send_one(sender->node, "shared", sender->number, i) < 0 ||
            send_one(sender->node, own, sender->number, i) < 0)
            fail(own, dora_node_error(sender->node));
    if (dora_close_output(sender->node, own) < 0 || dora_send(sender->node, own, "", 0, NULL) != -EPIPE)
        fail(own, "it can't be closed");
    return NULL;
}

/* Sends until somebody closes the output under it. */
static void *run_early(void *context)
{
    dora_node *node = context;
    int rc;
    for (uint64_t i = 0; (rc = send_one(node, "early", 99, i)) == 0; i++)
        ;
    if (rc != -EPIPE)
        fail("early", dora_node_error(node));
    return NULL;
}

static void send_all(dora_node *node, uint64_t threads, uint64_t count)
{
    struct sender senders[THREADS_MOST];
    pthread_t early;
    pthread_create(&early, NULL, run_early, node);
    for (uint64_t i = 0; i < threads; i++) {
        senders[i] = (struct sender){.node = node, .number = i, .count = count};
        pthread_create(&senders[i].thread, NULL, run_sender, &senders[i]);
    }
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    dora_output_stats stats;
    if (dora_close_output(node, "early") < 0 || dora_get_output_stats(node, "shared", &stats) < 0)
        fail("early", dora_node_error(node));
    pthread_join(early, NULL);
    for (uint64_t i = 0; i < threads; i++)
        pthread_join(senders[i].thread, NULL);
    if (dora_get_output_stats(node, "shared", &stats) < 0 || stats.sent != threads * count)
        fail("shared", "its counter is wrong");
}

/* ---- Receiving ---- */

/* Samples on their way to the threads that release them. */
static struct hand_over {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    dora_sample *samples[HANDED];
    size_t count;
    bool is_over;
} hand_over = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, {NULL}, 0, false};

static atomic_bool is_over;

static void check_words(const uint64_t *words, size_t size)
{
    uint64_t expected[WORDS];
    fill(expected, words[0], words[1]);
    if (size > sizeof expected || memcmp(words, expected, size) != 0)
        fail("sample", "its words are not those that were sent");
}

static void *run_releaser(void *unused)
{
    (void)unused;
    for (;;) {
        pthread_mutex_lock(&hand_over.lock);
        while (hand_over.count == 0 && !hand_over.is_over)
            pthread_cond_wait(&hand_over.changed, &hand_over.lock);
        dora_sample *sample = hand_over.count ? hand_over.samples[--hand_over.count] : NULL;
        pthread_cond_broadcast(&hand_over.changed);
        pthread_mutex_unlock(&hand_over.lock);
        if (!sample)
            return NULL;
        check_words(dora_sample_data(sample), dora_sample_size(sample));
        dora_sample_release(sample);
    }
}

static void hand(dora_sample *sample)
{
    pthread_mutex_lock(&hand_over.lock);
    while (hand_over.count == HANDED)
        pthread_cond_wait(&hand_over.changed, &hand_over.lock);
    hand_over.samples[hand_over.count++] = sample;
    pthread_cond_broadcast(&hand_over.changed);
    pthread_mutex_unlock(&hand_over.lock);
}

/* What other threads may do while one receives. */
static void *run_onlooker(void *context)
{
    dora_node *node = context;
    while (!atomic_load(&is_over)) {
        dora_sample *loan;
        if (dora_loan(node, 100000, &loan) == 0)
            dora_sample_release(loan);
        dora_log_message(node, DORA_LOG_DEBUG, "still there");
        if (strlen(dora_node_id(node)) == 0 || dora_send(node, "none", NULL, 0, NULL) != -ENOENT)
            fail("onlooker", "the node has no id, or an output that it has not");
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return NULL;
}

static struct counted {
    char id[32];
    uint64_t next[THREADS_MOST]; /* by sender */
    uint64_t count;
} counted[INPUTS_MOST];

static void count(const dora_event *event)
{
    struct counted *input = counted;
    while (input->count && strcmp(input->id, dora_event_id(event)) != 0)
        input++;
    size_t size;
    const uint64_t *words = dora_event_data(event, &size);
    check_words(words, size);
    snprintf(input->id, sizeof input->id, "%s", dora_event_id(event));
    input->count++;
    uint64_t *next = &input->next[words[0] < THREADS_MOST ? words[0] : THREADS_MOST - 1];
    if (words[1] != *next)
        fail(input->id, "a message is missing, or out of order");
    ++*next;
}

static void receive_all(dora_node *node, long releasers)
{
    pthread_t threads[THREADS_MOST], onlooker;
    pthread_create(&onlooker, NULL, run_onlooker, node);
    for (long i = 0; i < releasers; i++)
        pthread_create(&threads[i], NULL, run_releaser, NULL);
    dora_event *event;
    int rc;
    while ((rc = dora_next(node, &event, DORA_FOREVER)) == 0) {
        if (dora_event_type(event) == DORA_EVENT_INPUT) {
            count(event);
            hand(dora_event_keep(event));
        } else if (dora_event_type(event) == DORA_EVENT_ERROR) {
            fail("error event", dora_event_text(event));
        }
        dora_event_free(event);
    }
    if (rc != -ENODATA)
        fail("receive", dora_node_error(node));
    atomic_store(&is_over, true);
    pthread_join(onlooker, NULL);
    /* The node goes first: samples outlive it. */
    dora_node_close(node);
    pthread_mutex_lock(&hand_over.lock);
    hand_over.is_over = true;
    pthread_cond_broadcast(&hand_over.changed);
    pthread_mutex_unlock(&hand_over.lock);
    for (long i = 0; i < releasers; i++)
        pthread_join(threads[i], NULL);
    for (struct counted *input = counted; input->count; input++)
        printf("%s: %" PRIu64 "\n", input->id, input->count);
}

static void *run_both(void *context)
{
    receive_all(context, 2);
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (strcmp(argv[1], "send") == 0 && argc == 4) {
        dora_node *node = join(NULL);
        send_all(node, strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
        dora_node_close(node);
    } else if (strcmp(argv[1], "receive") == 0) {
        receive_all(join(NULL), strtol(argv[2], NULL, 10));
    } else if (strcmp(argv[1], "both") == 0 && argc == 4) {
        dora_node *receiver = join(argv[3]), *sender = join(argv[2]);
        pthread_t thread;
        pthread_create(&thread, NULL, run_both, receiver);
        send_all(sender, 2, 2000);
        dora_node_close(sender);
        pthread_join(thread, NULL);
    }
    return 0;
}
