/* SHA-256 (FIPS 180-4), to name a file by what is in it. */
#ifndef AGENT_SHA256_H
#define AGENT_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_TEXT = 65 }; /* hexadecimal, with its NUL */

struct sha256 {
    uint32_t state[8];
    uint64_t len; /* bytes so far */
    uint8_t block[64];
};

void sha256_begin(struct sha256 *sha);
void sha256_add(struct sha256 *sha, const void *data, size_t len);
void sha256_end(struct sha256 *sha, char text[SHA256_TEXT]);

/* Of what `fd` holds from its beginning to its end, wherever it stands. 0 or -errno. */
int sha256_file(int fd, char text[SHA256_TEXT]);

#endif
