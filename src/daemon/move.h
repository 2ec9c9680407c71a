/* A node that moves from one machine to another while its dataflow runs (docs/machines.md). Seen from one daemon:
 *
 *     where it comes from   move_prepare: the edges to its new place    move_leave: MOVE, and it becomes REMOTE
 *     where it goes         move_prepare: its process starts, and is held before START    move_finish: START
 *     elsewhere             move_prepare: the edges to its new place    move_finish: those to its old place end
 *
 * Each takes a while: move_look says how far it has come; daemon_observer.edges is called whenever that may have
 * changed. move_undo takes move_prepare back.
 */
#ifndef DAEMON_MOVE_H
#define DAEMON_MOVE_H

#include "daemon/dataflow.h"

enum move_phase {
    MOVE_PREPARING, /* until its process has joined, and all edges are up */
    MOVE_ASKING,    /* until the publishers have said where they are, and thereby that they know their new links */
    MOVE_PREPARED,
    MOVE_LEAVING,  /* asked to hand over its state, until its process has ended */
    MOVE_DRAINING, /* until what it sent has been handed on */
    MOVE_GONE,
    MOVE_FAILED,
};

enum { MOVE_UNKNOWN = UINT64_MAX };

struct move {
    enum move_phase phase;
    char *to; /* machine */
    bool is_arriving, is_undone;
    bool has_moved; /* it has said MOVED */
    bool is_back;   /* it comes back to where it was, for it has arrived nowhere */
    uint32_t unheard;
    uint64_t *inputs;  /* by input. Prepared: where its publisher is, if that is here; gone: the first not handled */
    uint64_t *outputs; /* by output: the next message's number */
    int state;         /* its state, or -1 */
    struct alarm *alarm;
    int64_t patience_ns; /* for LEAVING */
    char why[OUTCOME_MESSAGE_MOST];
};

/* `to` is the machine that it moves to, maybe this one. Negative errno with a message. */
int move_prepare(struct dataflow *dataflow, const char *node, const char *to, struct participant **found,
                 struct error *error);
/* Asks the publishers that are here anew; PREPARED when they have answered. */
void move_ask(struct participant *participant);
/* Goes on as far as it can; the phase it is in. */
enum move_phase move_look(struct participant *participant);
/* The node goes: it handles its inputs up to the message `until`, by input (MOVE_UNKNOWN: as it likes). */
void move_leave(struct participant *participant, const uint64_t *until, int64_t grace_ns);
/* It has gone. Here: what `inputs`, `outputs` and `state` (taken over; -1: none) say is where the new one begins. */
int move_finish(struct participant *participant, const uint64_t *inputs, const uint64_t *outputs, int state,
                struct error *error);
void move_undo(struct participant *participant); /* not once it is asked to leave */
/* It has GONE and arrived nowhere: it runs here again, with its state. What was sent to it meanwhile is lost. */
void move_back(struct participant *participant);
/* Those that are not leaving, as the coordinator, who would say how they go on, is gone. */
void move_undo_all(struct dataflow *dataflow);

/* ---- For the daemon ---- */

/* It has joined: if it comes back, it is let go as soon as its edges are there. */
void move_joined(struct participant *participant);
bool move_is_arriving(const struct participant *participant);
bool move_is_leaving(const struct participant *participant);
/* Whether a wire may not be up yet. */
bool move_holds_wire(const struct wire *wire);
/* A packet of the node itself, or of a publisher; false: none that it may send now. */
bool move_hear(struct participant *participant, struct proto_packet *packet);
void move_failed(struct participant *participant); /* its new process has ended */
void move_gone(struct participant *participant);   /* its old one */
void move_free(struct participant *participant);

#endif
