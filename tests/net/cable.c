/* A slow cable between two network namespaces, for kernels without netem.
 *
 *     cable NAMESPACE DEVICE NAMESPACE DEVICE
 *
 * makes a tap device in each, of the namespaces' names as `ip netns` has them, says so by a line on stdout, and carries
 * frames between the two. A line `DELAY RATE` on stdin, in microseconds and bits a second (0: as fast as it goes),
 * holds from then on for what leaves the first device; what comes to it is carried at once, so that each machine's
 * cable has the say in one direction alone. At the end of stdin it ends, and its devices with it.
 *
 * Frames keep their order. With a rate, one that would have to wait for more than 100 ms before its turn is lost, and
 * so is whatever finds no room or no device that is up, as on a wire.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum {
    FRAME_MOST = 2048, /* bytes; the devices' MTU is 1500 */
    FRAMES = 16384,    /* on their way at once: a power of two */
    BURST = 64,        /* frames that are read before others are looked at */
};

static const int64_t SECOND = 1000000000, QUEUE_MOST = 100000000; /* ns */

struct frame {
    int64_t due; /* ns of CLOCK_MONOTONIC */
    size_t size;
    char bytes[FRAME_MOST];
};

static struct {
    int64_t delay, rate; /* ns, bits a second */
    int64_t free_at;     /* when the last bit of what waits has gone out */
    uint64_t head, tail; /* of the frames that are on their way */
    struct frame frames[FRAMES];
} way;

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * SECOND + time.tv_nsec;
}

static void fail(const char *what, const char *which)
{
    fprintf(stderr, "cable: %s %s: %s\n", what, which, strerror(errno));
    exit(1);
}

static int make_device(const char *namespace, const char *name)
{
    char path[256];
    struct ifreq how = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    snprintf(path, sizeof path, "/run/netns/%s", namespace);
    snprintf(how.ifr_name, sizeof how.ifr_name, "%s", name);
    int where = open(path, O_RDONLY | O_CLOEXEC);
    if (where < 0 || setns(where, CLONE_NEWNET) < 0)
        fail("enter", path);
    close(where);
    int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (device < 0 || ioctl(device, TUNSETIFF, &how) < 0)
        fail("make the device", name);
    return device;
}

/* What comes back; a device that is down takes nothing. */
static void carry_back(int from, int to)
{
    char bytes[FRAME_MOST];
    for (int i = 0; i < BURST; i++) {
        ssize_t size = read(from, bytes, sizeof bytes);
        if (size <= 0 || (write(to, bytes, (size_t)size) < 0 && errno == EINTR))
            return;
    }
}

static void take(int from)
{
    for (int i = 0; i < BURST; i++) {
        struct frame *frame = &way.frames[way.tail % FRAMES];
        ssize_t size = read(from, frame->bytes, sizeof frame->bytes);
        if (size <= 0)
            return;
        int64_t came = now(), starts = way.free_at > came ? way.free_at : came;
        if (starts - came > QUEUE_MOST || way.tail - way.head == FRAMES - 1)
            continue;
        way.free_at = way.rate ? starts + size * 8 * SECOND / way.rate : came;
        int64_t due = way.free_at + way.delay;
        /* None overtakes another where the delay has become shorter. */
        if (way.tail != way.head && due < way.frames[(way.tail - 1) % FRAMES].due)
            due = way.frames[(way.tail - 1) % FRAMES].due;
        frame->due = due;
        frame->size = (size_t)size;
        way.tail++;
    }
}

/* Gives out what is due. How long until the next one is; -1: nothing waits. */
static int64_t give(int to)
{
    while (way.head != way.tail) {
        const struct frame *frame = &way.frames[way.head % FRAMES];
        int64_t left = frame->due - now();
        if (left > 0)
            return left;
        if (write(to, frame->bytes, frame->size) < 0 && (errno == EINTR || errno == EAGAIN))
            return 0;
        way.head++;
    }
    return -1;
}

/* The settings that have come; false: the end. */
static bool listen_to(int fd)
{
    char line[64];
    int64_t delay, rate;
    ssize_t len = read(fd, line, sizeof line - 1);
    if (len <= 0)
        return len < 0 && errno == EINTR;
    line[len] = '\0';
    if (sscanf(line, "%" SCNd64 " %" SCNd64, &delay, &rate) != 2) {
        fprintf(stderr, "cable: not \"DELAY RATE\": %s\n", line);
        return false;
    }
    way.delay = delay * 1000;
    way.rate = rate;
    return true;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "cable NAMESPACE DEVICE NAMESPACE DEVICE\n");
        return 2;
    }
    int near = make_device(argv[1], argv[2]), far = make_device(argv[3], argv[4]);
    prctl(PR_SET_TIMERSLACK, 1);
    puts("plugged in");
    fflush(stdout);
    struct pollfd all[] = {{STDIN_FILENO, POLLIN, 0}, {near, POLLIN, 0}, {far, POLLIN, 0}};
    for (;;) {
        int64_t left = give(far);
        struct timespec wait = {left / SECOND, left % SECOND};
        if (ppoll(all, 3, left < 0 ? NULL : &wait, NULL) < 0) {
            if (errno != EINTR)
                fail("poll", "");
            continue;
        }
        if ((all[1].revents | all[2].revents) & POLLERR) {
            fprintf(stderr, "cable: a device is gone\n");
            return 1;
        }
        if (all[0].revents && !listen_to(STDIN_FILENO))
            return 0;
        if (all[1].revents)
            take(near);
        if (all[2].revents)
            carry_back(far, near);
    }
}
