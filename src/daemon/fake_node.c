#include "daemon/fake_node.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "proto/proto.h"

static const char *const names[PROTO_TYPE_COUNT] = {
    [PROTO_REFUSED] = "REFUSED",
    [PROTO_CONFIG] = "CONFIG",
    [PROTO_OUTPUT] = "OUTPUT",
    [PROTO_INPUT] = "INPUT",
    [PROTO_START] = "START",
    [PROTO_LINK_OUT] = "LINK_OUT",
    [PROTO_LINK_IN] = "LINK_IN",
    [PROTO_LINK_DOWN] = "LINK_DOWN",
    [PROTO_STOP] = "STOP",
    [PROTO_INPUT_CLOSED] = "INPUT_CLOSED",
    [PROTO_ALL_INPUTS_CLOSED] = "ALL_INPUTS_CLOSED",
    [PROTO_NODE_FAILED] = "NODE_FAILED",
    [PROTO_NODE_RESTARTED] = "NODE_RESTARTED",
    [PROTO_RELOAD] = "RELOAD",
    [PROTO_EDGE_DOWN] = "EDGE_DOWN",
    [PROTO_INPUT_OPENED] = "INPUT_OPENED",
};

static int connection = -1;
static uint32_t version = PROTO_VERSION, restarts;
static struct proto_page *page;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "fake node: %s: %s\n", what, strerror(errno));
    exit(99);
}

static void hello(const char *socket, const uint8_t token[PROTO_TOKEN], const char *id)
{
    struct proto_hello body = {.version = version};
    memcpy(body.token, token, PROTO_TOKEN);
    connection = proto_connect(socket, NULL);
    int arena = memfd_create("arena", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (connection < 0 || arena < 0 || fcntl(arena, F_ADD_SEALS, F_SEAL_SHRINK) < 0)
        die("connect");
    if (proto_send(connection,
                   &(struct proto_packet){.type = PROTO_HELLO,
                                          .body = &body,
                                          .body_len = sizeof body,
                                          .text = {"0.0", id},
                                          .text_count = 2,
                                          .fds = {arena},
                                          .fd_count = 1},
                   0) < 0)
        die("say HELLO");
}

static void print(const struct proto_packet *packet)
{
    const char *name = packet->type < PROTO_TYPE_COUNT && names[packet->type] ? names[packet->type] : "?";
    switch (packet->type) {
    case PROTO_CONFIG:
        restarts = ((const struct proto_config *)packet->body)->restart_count;
        page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, packet->fds[0], 0);
        if (page == MAP_FAILED)
            die("map the page");
        printf("CONFIG %s %u\n", packet->text[0], restarts);
        return;
    case PROTO_OUTPUT:
    case PROTO_INPUT:
        printf("%s %u %s\n", name, ((const struct proto_port *)packet->body)->index, packet->text[0]);
        return;
    case PROTO_LINK_OUT:
    case PROTO_LINK_IN:
        printf("%s %s %u\n", name, packet->text[0], ((const struct proto_link *)packet->body)->edge_count);
        return;
    case PROTO_INPUT_CLOSED:
    case PROTO_INPUT_OPENED:
        printf("%s %u\n", name, ((const struct proto_index *)packet->body)->index);
        return;
    case PROTO_NODE_FAILED:
        printf("%s %s %s\n", name, packet->text[0], packet->text[1]);
        return;
    default:
        printf("%s%s%s\n", name, packet->text_count ? " " : "", packet->text_count ? packet->text[0] : "");
    }
}

/* 1: `type` came; 0: the daemon hung up. */
static int receive_until(const char *type)
{
    _Alignas(8) static char buffer[PROTO_PACKET_MOST];
    struct proto_packet packet;
    int rc;
    while ((rc = proto_recv(connection, &packet, buffer, 0)) == 1) {
        print(&packet);
        proto_close_fds(&packet);
        if (packet.type < PROTO_TYPE_COUNT && names[packet.type] && strcmp(names[packet.type], type) == 0)
            return 1;
    }
    printf("END\n");
    return 0;
}

static void tell(enum proto_type type, const void *body, size_t len)
{
    proto_send(connection, &(struct proto_packet){.type = type, .body = body, .body_len = len}, 0);
}

static void wait_for_file(const char *path)
{
    while (access(path, F_OK) < 0)
        nanosleep(&(struct timespec){.tv_nsec = CLOCK_MILLI}, NULL);
}

static void leave_child(const char *path)
{
    pid_t child = fork();
    if (child == 0) {
        setsid();
        if (fork() > 0)
            _exit(0);
        char whole[512];
        snprintf(whole, sizeof whole, "%s.part", path);
        FILE *file = fopen(whole, "w");
        if (!file || fprintf(file, "%d", (int)getpid()) < 0 || fclose(file) != 0 || rename(whole, path) < 0)
            die("write a pid");
        for (;;)
            pause();
    }
    wait_for_file(path);
}

static void wrap(void)
{
    pid_t child = fork();
    if (child == 0) {
        setsid();
        return;
    }
    int status = 0;
    waitpid(child, &status, 0);
    exit(WIFEXITED(status) ? WEXITSTATUS(status) : 97);
}

static void step(const char *text)
{
    char word[16] = "";
    sscanf(text, "%15[a-z]", word);
    const char *colon = strchr(text, ':'), *rest = colon ? colon + 1 : "";
    uint8_t token[PROTO_TOKEN] = {0};
    char socket[PROTO_ADDRESS_MOST], id[64];
    struct proto_start start = {0};
    if (strcmp(word, "hello") == 0) {
        const char *config = getenv(PROTO_CONFIG_ENV);
        if (!config || proto_config_parse(config, socket, token) < 0)
            die("read DORA_NODE_CONFIG");
        hello(socket, token, "");
    } else if (strcmp(word, "join") == 0 && sscanf(rest, "%63[^@]%107s", id, socket) == 2) {
        hello(socket, token, id);
    } else if (strcmp(word, "version") == 0) {
        version = (uint32_t)atoi(rest);
    } else if (strcmp(word, "until") == 0) {
        receive_until(rest);
    } else if (strcmp(word, "first") == 0) {
        if (restarts == 0)
            step(rest);
    } else if (strcmp(word, "close") == 0) {
        tell(PROTO_CLOSE_OUTPUT, &(struct proto_index){(uint32_t)atoi(rest)}, sizeof(struct proto_index));
    } else if (strcmp(word, "goodbye") == 0) {
        tell(PROTO_GOODBYE, NULL, 0);
    } else if (strcmp(word, "fail") == 0) {
        proto_send(connection, &(struct proto_packet){.type = PROTO_FAILED, .text = {rest}, .text_count = 1}, 0);
    } else if (strcmp(word, "garbage") == 0) {
        send(connection, "garbage", 7, MSG_NOSIGNAL);
    } else if (strcmp(word, "unexpected") == 0) {
        tell(PROTO_START, &start, sizeof start);
    } else if (strcmp(word, "flood") == 0) {
        while (proto_send(connection,
                          &(struct proto_packet){.type = PROTO_CLOSE_OUTPUT,
                                                 .body = &(struct proto_index){0},
                                                 .body_len = sizeof(struct proto_index)},
                          0) == 0)
            ;
    } else if (strcmp(word, "hang") == 0) {
        close(connection);
    } else if (strcmp(word, "say") == 0) {
        puts(rest);
    } else if (strcmp(word, "err") == 0) {
        fprintf(stderr, "%s\n", rest);
    } else if (strcmp(word, "leave") == 0) {
        leave_child(rest);
    } else if (strcmp(word, "make") == 0) {
        close(open(rest, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    } else if (strcmp(word, "wrap") == 0) {
        wrap();
    } else if (strcmp(word, "wait") == 0) {
        wait_for_file(rest);
    } else if (strcmp(word, "deaf") == 0) {
        signal(SIGTERM, SIG_IGN);
    } else if (strcmp(word, "kill") == 0) {
        kill(getpid(), atoi(rest));
    } else if (strcmp(word, "sleep") == 0) {
        for (;;)
            pause();
    } else if (strcmp(word, "exit") == 0) {
        exit(atoi(rest));
    } else {
        fprintf(stderr, "fake node: what is `%s`?\n", text);
        exit(98);
    }
}

int fake_node(int step_count, char **steps)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 0; i < step_count; i++)
        step(steps[i]);
    return 0;
}
