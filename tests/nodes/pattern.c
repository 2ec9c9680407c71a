#include "pattern.h"

#include <string.h>

enum { WORD = sizeof(uint64_t) };

static uint64_t word_at(uint64_t number, size_t index)
{
    return number ^ (index * 0x9e3779b97f4a7c15u);
}

void pattern_fill(void *data, size_t size, uint64_t number)
{
    unsigned char *bytes = data;
    for (size_t i = 0; i < size / WORD; i++) {
        uint64_t word = word_at(number, i);
        memcpy(bytes + i * WORD, &word, WORD);
    }
    uint64_t last = word_at(number, size / WORD);
    if (size % WORD)
        memcpy(bytes + size / WORD * WORD, &last, size % WORD);
}

uint64_t pattern_number(const void *data, size_t size)
{
    uint64_t number = 0;
    if (size)
        memcpy(&number, data, size < WORD ? size : WORD);
    return number;
}

bool pattern_check(const void *data, size_t size, uint64_t number)
{
    const unsigned char *bytes = data;
    uint64_t wrong = 0;
    for (size_t i = 0; i < size / WORD; i++) {
        uint64_t word;
        memcpy(&word, bytes + i * WORD, WORD);
        wrong |= word ^ word_at(number, i);
    }
    uint64_t last = word_at(number, size / WORD);
    return !wrong && (size % WORD == 0 || memcmp(bytes + size / WORD * WORD, &last, size % WORD) == 0);
}
