#include "cli/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/write.h"

static const char ENTER[] = "\033[?1049h\033[?25l\033[H\033[2J"; /* second screen, no cursor, empty */
static const char LEAVE[] = "\033[?25h\033[?1049l";
static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
enum { ENDS = sizeof ends / sizeof *ends };

static struct {
    struct termios before, raw;
    struct sigaction end_actions[ENDS], stop_action, resize_action;
    volatile sig_atomic_t is_open, is_resized;
    char typed[64]; /* read, but not taken yet */
    size_t typed_used, typed_len;
} screen;

/* What a screen doesn't take, nobody can be told. */
static void put(const char *text, size_t len)
{
    (void)write_all(STDOUT_FILENO, text, len);
}

static void enter(void)
{
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &screen.raw);
    put(ENTER, sizeof ENTER - 1);
}

/* Of functions that a signal handler may call. */
static void leave(void)
{
    put(LEAVE, sizeof LEAVE - 1);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &screen.before);
}

static void on_end(int number)
{
    leave();
    raise(number); /* as it would have ended without us: SA_RESETHAND */
}

static void on_stop(int number)
{
    (void)number;
    int saved = errno;
    leave();
    raise(SIGSTOP);
    enter();
    screen.is_resized = 1;
    errno = saved;
}

static void on_resize(int number)
{
    (void)number;
    screen.is_resized = 1;
}

bool screen_open(void)
{
    if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &screen.before) < 0)
        return false;
    screen.raw = screen.before;
    screen.raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    screen.raw.c_cc[VMIN] = 1;
    screen.raw.c_cc[VTIME] = 0;
    struct sigaction end = {.sa_handler = on_end, .sa_flags = (int)(SA_RESETHAND | SA_NODEFER)};
    struct sigaction stop = {.sa_handler = on_stop}, resize = {.sa_handler = on_resize};
    for (int i = 0; i < ENDS; i++)
        sigaction(ends[i], &end, &screen.end_actions[i]);
    sigaction(SIGTSTP, &stop, &screen.stop_action);
    sigaction(SIGWINCH, &resize, &screen.resize_action);
    screen.is_open = 1;
    enter();
    return true;
}

void screen_close(void)
{
    if (!screen.is_open)
        return;
    leave();
    screen.is_open = 0;
    for (int i = 0; i < ENDS; i++)
        sigaction(ends[i], &screen.end_actions[i], NULL);
    sigaction(SIGTSTP, &screen.stop_action, NULL);
    sigaction(SIGWINCH, &screen.resize_action, NULL);
}

void screen_size(size_t *columns, size_t *rows)
{
    struct winsize size = {0};
    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    *columns = size.ws_col ? size.ws_col : 80;
    *rows = size.ws_row ? size.ws_row : 24;
}

void screen_show(const struct buf *text)
{
    struct buf out = {0};
    buf_puts(&out, "\033[H");
    for (size_t at = 0; at < text->len;) {
        const char *newline = memchr(text->data + at, '\n', text->len - at);
        size_t len = newline ? (size_t)(newline - text->data) - at : text->len - at;
        if (at)
            buf_puts(&out, "\r\n");
        buf_add(&out, text->data + at, len);
        buf_puts(&out, "\033[K");
        at += len + 1;
    }
    buf_puts(&out, "\033[J");
    if (!out.failed)
        put(out.data, out.len);
    buf_free(&out);
}

/* Takes the next key out of what was read. */
static int take_key(void)
{
    const char *at = screen.typed + screen.typed_used;
    size_t left = screen.typed_len - screen.typed_used, len = 1;
    int key = (unsigned char)at[0];
    if (at[0] == '\033' && left >= 3 && (at[1] == '[' || at[1] == 'O')) {
        for (len = 3; len < left && !(at[len - 1] >= '@' && at[len - 1] <= '~'); len++)
            ;
        key = at[2] == 'A' ? SCREEN_UP : at[2] == 'B' ? SCREEN_DOWN : SCREEN_UNKNOWN;
    } else if (at[0] == '\033') {
        len = left;
        key = left == 1 ? SCREEN_ESCAPE : SCREEN_UNKNOWN;
    }
    screen.typed_used += len;
    return key;
}

static int read_key(void)
{
    ssize_t len = read(STDIN_FILENO, screen.typed, sizeof screen.typed);
    if (len <= 0)
        return len < 0 && errno == EINTR ? SCREEN_UNKNOWN : SCREEN_CLOSED;
    screen.typed_used = 0;
    screen.typed_len = (size_t)len;
    return take_key();
}

int screen_key(int64_t deadline)
{
    for (;;) {
        if (screen.typed_used < screen.typed_len)
            return take_key();
        if (screen.is_resized) {
            screen.is_resized = 0;
            return SCREEN_RESIZED;
        }
        int64_t left = deadline - clock_now();
        if (left <= 0)
            return SCREEN_NONE;
        struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
        int ready = poll(&in, 1, (int)(left / CLOCK_MILLI < 1000000 ? left / CLOCK_MILLI + 1 : 1000000));
        if (ready > 0)
            return read_key();
        if (ready < 0 && errno != EINTR)
            return SCREEN_CLOSED;
    }
}
