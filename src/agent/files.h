/* Programs that were carried to this machine (docs/machines.md): files/SHA256/NAME in the state folder. What is there
 * is whole, and never changes.
 */
#ifndef AGENT_FILES_H
#define AGENT_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/sha256.h"
#include "base/error.h"

enum { FILES_SIZE_MOST = 512 << 20, FILES_PIECE = 512 << 10 /* of a file, in one message */ };

/* 64 hexadecimal digits in small letters; one part of a path, of at most 200 bytes. */
bool files_is_sha256(const char *text);
bool files_is_name(const char *name);

/* Where the file is, or would be. Makes the folder `files`. */
int files_path(char path[PATH_MAX], const char *sha256, const char *name, struct error *error);

/* The machine in the ELF header of what `fd` holds; 0: it is no ELF file. */
uint16_t files_elf(int fd);
/* Whether a program for `elf` can run on a machine of the kind `here`, both as of files_elf; 0 runs everywhere. */
bool files_elf_runs(uint16_t elf, uint16_t here);
/* "x86-64"; "ELF machine 8" for one that has no name here. `text` is for that. */
const char *files_elf_name(uint16_t elf, char text[32]);

/* An empty file to gather a file in, whose path is `from`, and a descriptor of it: the caller's. */
int files_begin(char from[PATH_MAX], int *fd, struct error *error);
/* Makes the file of what was gathered at `from`, if it is what it is to be: on the
 * disk, with mode 0755, by renaming. Takes its time: any thread. */
int files_settle(const char *from, int fd, const char *sha256, const char *name, struct error *error);

/* Removes what was gathered and not finished, by a daemon that has ended. */
void files_forget_unfinished(void);
/* Removes each file but those that `is_kept` says. */
void files_remove(bool (*is_kept)(void *context, const char *sha256), void *context);

#endif
