/* For tests: a coordinator that dies at a chosen point, as by SIGKILL. */
#ifndef COORDINATOR_CRASH_H
#define COORDINATOR_CRASH_H

#define CRASH_POINTS(X)                                                                                                \
    X(START_BEFORE_ROW, "start-before-row")                                                                            \
    X(START_AFTER_ROW, "start-after-row")                                                                              \
    X(START_AFTER_FIRST_PART, "start-after-first-part")                                                                \
    X(START_AFTER_DAEMON, "start-after-daemon") /* it has been asked */                                                \
    X(START_AFTER_ANSWER, "start-after-answer") /* it has answered */                                                  \
    X(STOP_BEFORE_DAEMON, "stop-before-daemon")                                                                        \
    X(STOP_AFTER_DAEMON, "stop-after-daemon")                                                                          \
    X(STOP_AFTER_ANSWER, "stop-after-answer")                                                                          \
    X(UPDATE_BEFORE_ROW, "update-before-row") /* of a dataflow's status */                                             \
    X(UPDATE_AFTER_ROW, "update-after-row")                                                                            \
    X(END_BEFORE_ROW, "end-before-row")                                                                                \
    X(END_AFTER_ROW, "end-after-row")                                                                                  \
    X(REGISTER_BEFORE_ANSWER, "register-before-answer")                                                                \
    X(RELEASE_BEFORE_ANSWERS, "release-before-answers") /* all parts are ready */                                      \
    X(RELEASE_AFTER_ANSWERS, "release-after-answers")                                                                  \
    X(MOVE_BEFORE_LEAVE, "move-before-leave")   /* all is prepared */                                                  \
    X(MOVE_BEFORE_FINISH, "move-before-finish") /* the old process has ended, the new one waits */                     \
    X(MOVE_AFTER_FINISH, "move-after-finish")   /* the new one goes on, and the command has not heard it */

#define CRASH_ENUM(name, text) CRASH_##name,
enum crash_point { CRASH_POINTS(CRASH_ENUM) CRASH_POINT_COUNT };
#undef CRASH_ENUM

void crash_at(enum crash_point point);

#endif
