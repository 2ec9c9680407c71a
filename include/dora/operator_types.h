/* dora's C operator interface, its types and what the library does for an operator; operator_api.h is what an operator
 * itself defines. The names, layouts and meaning are those that operators written against dora-rs use, which so compile
 * unchanged.
 *
 * Memory: text and data handed over in a Vec_uint8_t are malloc's, and free() is what the receiver calls where `cap`
 * isn't 0. What an event holds is the host's, valid during dora_on_event.
 *
 * Threads: an operator's three functions are called by one thread, one after another. dora_send_operator_output may be
 * called by any, until dora_drop_operator has returned; the rest, by the thread and during the call that has the event.
 */
#ifndef __RUST_DORA_OPERATOR_API_C__
#define __RUST_DORA_OPERATOR_API_C__

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes, or UTF-8 text without a NUL behind it; ptr is NULL where there are none. */
typedef struct Vec_uint8 {
    uint8_t *ptr;
    size_t len;
    size_t cap;
} Vec_uint8_t;

/* NULL is success; else malloc's, as is the text in it, and the receiver's. */
typedef struct DoraResult {
    Vec_uint8_t *error;
} DoraResult_t;

/* `operator_context` is given to all later calls. */
typedef struct DoraInitResult {
    DoraResult_t result;
    void *operator_context;
} DoraInitResult_t;

enum DoraStatus {
    DORA_STATUS_CONTINUE = 0,
    DORA_STATUS_STOP = 1,    /* this operator ends */
    DORA_STATUS_STOP_ALL = 2 /* so does the whole dataflow: this one as by STOP, all others get a Stop */
};
typedef uint8_t DoraStatus_t;

typedef struct OnEventResult {
    DoraResult_t result; /* an error ends the operator as a failure */
    DoraStatus_t status;
} OnEventResult_t;

typedef struct Input Input_t;

/* One of its four is set; or none, of an event without a meaning here, which operator.h gives. */
typedef struct RawEvent {
    Input_t *input;           /* a message, or a tick of a timer; else NULL */
    Vec_uint8_t input_closed; /* the id of an input that is at its end */
    bool stop;                /* finish: what is queued still comes, then the operator is dropped */
    Vec_uint8_t error;        /* what went wrong */
} RawEvent_t;

typedef struct Output Output_t;

/* A function with what it refers to. Only dora_send_operator_output looks inside. */
typedef struct ArcDynFn1_DoraResult_Output {
    void *env_ptr;
    DoraResult_t (*call)(void *, Output_t);
    void (*release)(void *);
    void (*retain)(void *);
} ArcDynFn1_DoraResult_Output_t;

typedef struct SendOutput {
    ArcDynFn1_DoraResult_Output_t send_output;
} SendOutput_t;

typedef struct Metadata {
    Vec_uint8_t open_telemetry_context;
} Metadata_t;

/* The types of what an operator defines. */
typedef struct DoraInitOperator {
    DoraInitResult_t (*init_operator)(void);
} DoraInitOperator_t;

typedef struct DoraDropOperator {
    DoraResult_t (*drop_operator)(void *);
} DoraDropOperator_t;

typedef struct DoraOnEvent {
    OnEventResult_t (*on_event)(RawEvent_t *, const SendOutput_t *, void *);
} DoraOnEvent_t;

/* The input's id, NUL-terminated, to be given to dora_free_input_id; NULL when memory is out. */
char *dora_read_input_id(const Input_t *input);
void dora_free_input_id(char *input_id);

/* A copy of the data, to be given to dora_free_data. `ptr` is NULL of what has no bytes, such as a tick, of an Arrow
 * array of another type than uint8 (with a line on standard error), and of a second read of the same event. */
Vec_uint8_t dora_read_data(Input_t *input);
void dora_free_data(Vec_uint8_t data);

/* Sends a copy of the data on the output `id` (NUL-terminated). `data_ptr` may be NULL where `data_len` is 0. The
 * result is the caller's: to be returned from dora_on_event, or freed. */
DoraResult_t dora_send_operator_output(const SendOutput_t *send_output, const char *id, const uint8_t *data_ptr,
                                       size_t data_len);

#ifdef __cplusplus
}
#endif

#endif
