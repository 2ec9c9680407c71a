/* A node for tests that speaks the protocol itself and follows a script: each argument is a step.
 *
 *     hello            connects as DORA_NODE_CONFIG says, and says HELLO
 *     join:ID@SOCKET   the same as the dynamic node ID
 *     version:N        says HELLO in version N from now on
 *     until:TYPE       receives, and prints, packets up to one of this type; "until:END": until the daemon hangs up
 *     first:STEP       STEP, unless it was restarted (CONFIG said so)
 *     close:N          CLOSE_OUTPUT
 *     fail:TEXT        FAILED
 *     goodbye, garbage, unexpected, flood, hang up
 *     say:TEXT, err:TEXT   prints
 *     leave:FILE       a child with a session of its own stays behind, holds the pipes, and writes its pid to FILE
 *     wrap             the steps that follow are a child's, in a session of its own; this process waits for it to end
 *     make:FILE        an empty file
 *     wait:FILE        until the file exists
 *     deaf             ignores SIGTERM
 *     kill:N           itself, with signal N
 *     sleep            for ever
 *     exit:N
 *
 * Each packet received is printed as a line, such as "INPUT 0 image" or "LINK_OUT sink 2".
 */
#ifndef DAEMON_FAKE_NODE_H
#define DAEMON_FAKE_NODE_H

int fake_node(int step_count, char **steps);

#endif
