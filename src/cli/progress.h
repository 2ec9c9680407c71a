/* What goes on, in one line at the bottom of the terminal: it is overwritten by the next one and gone at the end. Where
 * stderr is no terminal, or one that can't move its cursor, nothing is printed at all. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

void progress_show(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Takes the line away. Before anything else is printed; without a line it does nothing. */
void progress_clear(void);

#endif
