/* The content of numbered messages, which a receiver can check to the last byte. */
#ifndef NODES_PATTERN_H
#define NODES_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void pattern_fill(void *data, size_t size, uint64_t number);

/* The number of a message of at least 8 bytes; shorter ones carry its low bytes. */
uint64_t pattern_number(const void *data, size_t size);

/* Whether these are the bytes of message `number`, as far as they can tell. */
bool pattern_check(const void *data, size_t size, uint64_t number);

#endif
