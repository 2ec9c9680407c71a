/* Hot reload: tells an operator in Python when its file is another one (PROTO_RELOAD). The folder is watched and not
 * the file, so that an editor that writes a new file and renames it is noticed too.
 */
#ifndef DAEMON_RELOAD_H
#define DAEMON_RELOAD_H

struct participant;
struct reload;

/* From now on; nothing where it isn't asked for, or `participant` is no operator in Python, or is watched already. That
 * it can't be watched is said as a notice. */
void reload_begin(struct participant *participant);
void reload_end(struct reload *reload); /* NULL is fine */

#endif
