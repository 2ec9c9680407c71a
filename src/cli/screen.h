/* The terminal as a whole: its second screen, keys as they are pressed, and everything as it was on every way out. */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Keys that are no character, and what else ends the waiting for one. */
enum screen_key {
    SCREEN_NONE = 256,
    SCREEN_RESIZED,
    SCREEN_UP,
    SCREEN_DOWN,
    SCREEN_ESCAPE,
    SCREEN_CLOSED,
    SCREEN_UNKNOWN
};

/* False: stdin and stdout are no terminal, or can't be set; errno. A signal that ends the process, Ctrl-C among them,
 * gives the terminal back first; Ctrl-Z too, and takes it again when the process goes on. One at a time. */
bool screen_open(void);
void screen_close(void);

/* 80 × 24 where it is not known. */
void screen_size(size_t *columns, size_t *rows);

/* Shows text: what was there is overwritten line by line, so that nothing flickers. Each line ends with a newline and
 * is no wider than the screen. */
void screen_show(const struct buf *text);

/* The next key until `deadline`: a byte, or a screen_key; SCREEN_NONE when the time is over,
 * SCREEN_CLOSED when there will be no more. */
int screen_key(int64_t deadline);

#endif
