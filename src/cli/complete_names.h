/* What the coordinator knows that can stand on a command line. */
#ifndef CLI_COMPLETE_NAMES_H
#define CLI_COMPLETE_NAMES_H

/* Calls `offer` with the names of dataflows (of those without one, the UUID), and with the ids of the nodes of running
 * ones; `about` is an explanation, never NULL. Without a coordinator, or where it doesn't answer at once, not at all.
 */
void complete_dataflows(void (*offer)(const char *typed, const char *name, const char *about), const char *typed);
void complete_nodes(void (*offer)(const char *typed, const char *name, const char *about), const char *typed);

#endif
