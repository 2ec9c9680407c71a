/* What a node and its daemon say to each other, over a SOCK_SEQPACKET unix socket.
 *
 *     node                               daemon
 *      │ HELLO (arena) ────────────────────▶ │  who I am, what I speak
 *      │ ◀──────────────────────────── CONFIG │  or REFUSED
 *      │ ◀──────── OUTPUT…, INPUT…, LINK_OUT…, LINK_IN… │  once every node of the dataflow has said HELLO
 *      │ ◀───────────────────────────── START │  or REFUSED
 *      │ ◀── STOP, LINK_*, INPUT_CLOSED, …    │  any time; each followed by a knock on the page and the doorbell
 *      │ CLOSE_OUTPUT… ───────────────────▶ │
 *      │ GOODBYE ─────────────────────────▶ │
 *
 * A packet is a header, a body (one of the structs below, and for links a list of edges behind it), text (strings, each
 * with its NUL) and descriptors. Numbers are in the machine's own byte order: both ends run on it. The header and HELLO
 * keep their layout for ever, so that the two can always tell each other which versions they speak.
 */
#ifndef PROTO_PROTO_H
#define PROTO_PROTO_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "shm/link.h"

enum {
    PROTO_VERSION = 1,
    PROTO_MAGIC = 0x61726f64, /* "dora" */
    PROTO_PACKET_MOST = 64 << 10,
    PROTO_TEXT_MOST = 3, /* strings a packet has at most */
    PROTO_FDS_MOST = 4,
    PROTO_TOKEN = 16,
};

enum proto_type {
    PROTO_NONE,
    /* node → daemon */
    PROTO_HELLO,        /* struct proto_hello; text: library version, node id ("" when the token says it); fd: arena */
    PROTO_CLOSE_OUTPUT, /* struct proto_index: output */
    PROTO_GOODBYE,      /* no body: all outputs are closed, nothing is held any more */
    /* daemon → node, before START */
    PROTO_REFUSED, /* struct proto_refused; text: the reason */
    PROTO_CONFIG,  /* struct proto_config; text: node id, dataflow id; fds: page, doorbell memory, doorbell event,
                      dataflow descriptor (a sealed memfd with its JSON, NUL-terminated) */
    PROTO_OUTPUT,  /* struct proto_port; text: id, type URN or "" */
    PROTO_INPUT,   /* struct proto_port; text: id, type URN or "" */
    PROTO_START,   /* struct proto_start */
    /* daemon → node, any time after CONFIG */
    PROTO_LINK_OUT,  /* struct proto_link + edges; text: subscriber's id; fds: segment, its doorbell memory and event */
    PROTO_LINK_IN,   /* struct proto_link + edges; text: publisher's id; fds: segment, its arena */
    PROTO_LINK_DOWN, /* struct proto_index: link. The other end's process is gone, or has closed its end */
    PROTO_STOP,      /* no body */
    PROTO_INPUT_CLOSED,      /* struct proto_index: input. What its links had still comes first */
    PROTO_ALL_INPUTS_CLOSED, /* no body: the last of this node's inputs is closed, it should finish */
    PROTO_NODE_FAILED,       /* text: node id, what happened */
    PROTO_NODE_RESTARTED,    /* text: node id */
    PROTO_PARAM_UPDATE,      /* text: key, value (JSON) */
    PROTO_PARAM_DELETED,     /* text: key */
    PROTO_RELOAD,            /* text: operator id or "" */
    PROTO_EDGE_DOWN, /* struct proto_edge. To the publisher: send nothing more on it. To the subscriber: what is queued
                        is all that comes. The link and its other edges stay */
    PROTO_INPUT_OPENED, /* struct proto_index: input. After INPUT_CLOSED: it is connected anew */
    PROTO_LINK_CLOSED, /* node → daemon; struct proto_index: link. The subscriber has closed its end, though it goes on:
                          all its edges were down, or its publisher wrote nonsense */
    /* A node moves to another machine (docs/machines.md). */
    PROTO_WHERE,     /* daemon → node; struct proto_index: output. Answered by OUTPUT_AT, as soon as it is read */
    PROTO_OUTPUT_AT, /* struct proto_at: the next message of this output. node → daemon: asked for by WHERE, or the
                        node has moved; daemon → node, before START: it goes on there */
    PROTO_INPUT_AT, /* struct proto_at: an input. daemon → node, before MOVE: it is needed here for all messages before
                       this one. node → daemon, after STATE: it has handled all before this one */
    PROTO_INPUT_FROM, /* struct proto_at: an input. daemon → node, before START: what comes before this message has been
                         handled elsewhere */
    PROTO_MOVE, /* daemon → node; no body: when it has handled what INPUT_AT says it hands over its state and stops */
    PROTO_STATE, /* fd: a segment (shm/segment.h). node → daemon: its state; daemon → node, before START: that of its
                    predecessor */
    PROTO_MOVED,   /* node → daemon; no body: the state, if there is any, and INPUT_AT came before; nothing is handled
                      any more */
    PROTO_NO_MOVE, /* node → daemon; text: why it can't hand over its state. It goes on */
    PROTO_FAILED,  /* node → daemon; text: it ends because of this, whatever its process's status will be */
    PROTO_STOP_ALL, /* node → daemon; no body: the whole dataflow is to stop */
    PROTO_TYPE_COUNT,
};

struct proto_hello {
    uint32_t version;           /* PROTO_VERSION */
    uint8_t token[PROTO_TOKEN]; /* from DORA_NODE_CONFIG; zeros for a dynamic node */
};

enum proto_reason {
    PROTO_REASON_VERSION = 1, /* -EPROTO */
    PROTO_REASON_UNKNOWN,     /* -ENOENT: no such node, or it is not dynamic, or it is running already */
    PROTO_REASON_CANCELED,    /* -ECANCELED: another node ended before it joined, or the dataflow stops */
    PROTO_REASON_PROTOCOL,    /* -EBADMSG */
    PROTO_REASON_RESOURCES,   /* -ENOMEM: the daemon has no memory or descriptors left */
};

struct proto_refused {
    uint32_t version; /* the daemon's PROTO_VERSION */
    uint32_t reason;  /* enum proto_reason */
};

enum proto_config_flag {
    PROTO_FINISH_WITH_INPUTS = 1, /* exit_when_nodes_finish: timers and logs don't keep a node alive */
    PROTO_DYNAMIC = 2,
    PROTO_LATE = 4, /* the dataflow runs already: the first tick of a timer is the next one */
};

struct proto_config {
    uint32_t flags, restart_count;
    uint32_t input_count, output_count;
};

enum proto_port_kind { PROTO_PORT_LINK, PROTO_PORT_TIMER, PROTO_PORT_LOGS };

struct proto_port {
    uint32_t index;
    uint32_t kind;       /* enum proto_port_kind; outputs are LINK */
    int64_t interval_ns; /* TIMER */
    int64_t timeout_ns;  /* input_timeout; 0 for none */
};

struct proto_start {
    int64_t epoch_ns; /* CLOCK_MONOTONIC when the dataflow started: tick k of a timer is due at epoch + k × interval */
    uint64_t epoch_ntp64; /* the same instant in calendar time */
};

struct proto_index {
    uint32_t index;
};

struct proto_at {
    uint32_t index, reserved;
    uint64_t sequence;
};

/* The largest state that a node can hand over: it travels in a control message. */
#define PROTO_STATE_MOST ((size_t)8 << 20)

struct proto_edge {
    uint32_t link, edge; /* edge: its place in the link's list */
};

struct proto_link {
    uint32_t link; /* id, never used twice within a daemon */
    uint32_t edge_count;
    uint32_t self; /* 1: publisher and subscriber are the same node */
    uint32_t reserved;
    struct link_edge edges[]; /* `output` and `input` are the ports' indices */
};

/* A packet received, or to be sent. Text and body of a received one point into the buffer it was read into. */
struct proto_packet {
    enum proto_type type;
    const void *body;
    size_t body_len;
    const char *text[PROTO_TEXT_MOST];
    size_t text_count;
    int fds[PROTO_FDS_MOST]; /* received: the receiver's to close, see proto_close_fds */
    size_t fd_count;
};

/* Sends a packet whole, or not at all: 0, -EAGAIN (the socket is full), -EPIPE (the peer is gone), -EMSGSIZE, another
 * negative errno; -EINVAL: that is not how a packet of its type looks. Descriptors stay the caller's. `flags`:
 * MSG_DONTWAIT or 0. */
int proto_send(int socket, const struct proto_packet *packet, int flags);

/* Receives one packet into `buffer` (PROTO_PACKET_MOST bytes, 8-byte aligned). 1: `packet` has it; 0: the peer is gone;
 * -EAGAIN: nothing there; -EBADMSG: what came is no packet of this protocol (descriptors that came with it are closed);
 * -EMFILE: this process can have no more descriptors, and the packet is lost; another negative errno. Checked: magic,
 * type, lengths, the type's own body size, number of strings and descriptors.
 */
int proto_recv(int socket, struct proto_packet *packet, void *buffer, int flags);

/* The check alone: takes the `len` bytes in `buffer` (8-byte aligned) apart into `packet`, whose descriptors are filled
 * in already. 0 or -EBADMSG. */
int proto_parse(const void *buffer, size_t len, struct proto_packet *packet);

void proto_close_fds(struct proto_packet *packet); /* those not taken over by take_fd */

/* What a node notes of one message while it is traced. The words, `position` last: where it is not the position that a
 * reader expects (counted from 1), the span is being written or has been overwritten. */
struct proto_span {
    _Atomic uint64_t
        what; /* enum proto_span_kind : 8 | index of the output or input : 24 | index of the cause's input + 1 : 32 */
    _Atomic uint64_t sequence, time_ns; /* CLOCK_MONOTONIC */
    _Atomic uint64_t cause_sequence;
    _Atomic uint64_t position;
};

enum proto_span_kind { PROTO_SPAN_SEND = 1, PROTO_SPAN_TAKE };
enum { PROTO_SPANS = 512 };

/* The page a daemon and one node share. Each part is written by one side. */
struct proto_page {
    _Alignas(
        128) _Atomic uint32_t control; /* daemon: packets sent since CONFIG, so that a node need not ask the kernel */
    _Atomic uint32_t tracing;          /* daemon: 1 while somebody reads the spans */
    _Alignas(128) _Atomic uint64_t activity;   /* node: grows with each of its calls, and while it waits for events */
    _Atomic uint64_t received;                 /* node: events delivered */
    _Atomic uint32_t thread;                   /* node: the thread that opened it (gettid), from START on */
    _Alignas(128) _Atomic uint64_t span_count; /* node: spans ever begun; the last PROTO_SPANS of them are there */
    struct proto_span spans[PROTO_SPANS];
};

/* ---- Where a daemon listens ---- */

enum { PROTO_SLOTS = 16, PROTO_ADDRESS_MOST = 108 };

/* The abstract socket names on which daemons of user `uid` can be found by dynamic nodes: a daemon binds the first free
 * one, a dynamic node asks each. Abstract, so that nothing is left of a killed daemon; both sides check the peer's
 * user. */
void proto_slot_name(char name[PROTO_ADDRESS_MOST], unsigned uid, unsigned slot);

/* The sockets of either side. `name` starts with '@' for an abstract one, else it is a path. Negative errno on failure.
 */
int proto_listen(const char *name, struct error *error);
int proto_connect(const char *name, struct error *error);

/* What the environment variable DORA_NODE_CONFIG says: "dora=1 socket=NAME token=HEX". */
#define PROTO_CONFIG_ENV "DORA_NODE_CONFIG"
enum { PROTO_CONFIG_TEXT_MOST = 256 };
void proto_config_print(char text[PROTO_CONFIG_TEXT_MOST], const char *socket, const uint8_t token[PROTO_TOKEN]);
int proto_config_parse(const char *text, char socket[PROTO_ADDRESS_MOST], uint8_t token[PROTO_TOKEN]); /* -EINVAL */

#endif
