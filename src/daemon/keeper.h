/* The two processes of `dora run` and `dora daemon`.
 *
 *     keeper   the process that the user started: it only supervises
 *       └─ daemon   its child, in a process group of its own: everything happens there
 *            └─ nodes
 *
 * So nothing is left, whichever is killed: when the daemon dies, nodes die with it (their death signal), and the
 * keeper, to which everything else falls as its subreaper, kills and reaps the rest; when the keeper dies, the control
 * pipe hangs up, and the daemon kills everything and exits.
 *
 * Signals to stop (SIGINT, SIGTERM, SIGHUP) reach the keeper, which passes them on as bytes: the first is KEEPER_STOP,
 * the second KEEPER_KILL; at the third it kills the daemon.
 */
#ifndef DAEMON_KEEPER_H
#define DAEMON_KEEPER_H

enum {
    KEEPER_STOP = 's', /* end in good order */
    KEEPER_KILL = 'k', /* end at once */
};

/* Forks, runs `daemon` in the child and waits for it. Returns the child's exit status, or 1 when it was killed, which
 * is reported on stderr, as is a failure to begin. `control_fd` is non-blocking: bytes as above, end of file when the
 * keeper is gone. The child ignores the signals to stop and SIGPIPE and is a subreaper. Call it while there is no other
 * thread, no loop, and nothing buffered that must not be written twice (stdio is flushed). */
int keeper_run(int (*daemon)(int control_fd, void *context), void *context);

#endif
