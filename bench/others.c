/* SPDX-License-Identifier: Apache-2.0 */
/*
 * others.c - what a queue is compared with: a pipe, a POSIX message queue, Redis Streams
 *
 * Each does the same work: one process sends 64 bytes at a time, another one receives them, and
 * where there is such a thing, acknowledges them.  A pipe and a message queue forget a message when
 * it is received, so a death in between loses it.  Redis is spoken to over a unix socket, with a
 * consumer group (XADD, XREADGROUP, XACK): one request at a time, or 100 in one go.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "others.h"

#define MANY 100

const char *const others_name[OTHERS] = {
    "  to a pipe",
    "  to mq_send and mq_receive",
    "  to Redis Streams, one at a time",
    "  to Redis Streams, 100 at a time",
};

static char folder[] = "/tmp/splinter-bench.XXXXXX", path[64];
static pid_t server; /* 0: there is none */

/* ---- Redis ---- */

static void child_dies_with_us(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
}

static int redis_connect(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(address.sun_path, path, sizeof(path));
    if (fd >= 0 && !connect(fd, (struct sockaddr *)&address, sizeof(address)))
        return fd;
    close(fd);
    return -1;
}

static void send_all(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t n = write(fd, bytes, len);

        if (n <= 0)
            _exit(1);
        bytes += n;
        len -= (size_t)n;
    }
}

/* Bytes that were received, and not looked at yet. */
struct reply {
    int fd;
    size_t at, len;
    char bytes[65536];
};

static const char *next_line(struct reply *r)
{
    for (;;) {
        char *begin = r->bytes + r->at, *end = memchr(begin, '\n', r->len - r->at);
        ssize_t n;

        if (end) {
            *end = 0;
            r->at = (size_t)(end + 1 - r->bytes);
            return begin;
        }
        memmove(r->bytes, begin, r->len -= r->at);
        r->at = 0;
        n = read(r->fd, r->bytes + r->len, sizeof(r->bytes) - r->len);
        if (n <= 0)
            _exit(1);
        r->len += (size_t)n;
    }
}

static int redis_request(struct reply *r, const char *command)
{
    send_all(r->fd, command, strlen(command));
    return *next_line(r) == '-';
}

static void redis_produce(unsigned batch)
{
    static char request[MANY * 200];
    struct reply r = {.fd = redis_connect()};
    size_t len = 0;

    for (unsigned i = 0; i < batch; i++)
        len += (size_t)snprintf(request + len, sizeof(request) - len,
                                "*7\r\n$4\r\nXADD\r\n$1\r\nq\r\n$6\r\nMAXLEN\r\n$6\r\n100000\r\n"
                                "$1\r\n*\r\n$1\r\nm\r\n$64\r\n%064d\r\n", 7);
    for (;;) {
        send_all(r.fd, request, len);
        for (unsigned i = 0; i < batch; i++) { /* $..., and the id */
            next_line(&r);
            next_line(&r);
        }
    }
}

/* Take up to `batch` messages, and acknowledge them.  How many they were. */
static unsigned redis_work(struct reply *r, unsigned batch)
{
    char request[MANY * 40 + 100], ids[MANY][32];
    unsigned n = 0;
    size_t len;
    const char *line;

    len = (size_t)snprintf(request, sizeof(request),
                           "XREADGROUP GROUP g w COUNT %u BLOCK 100 STREAMS q >\r\n", batch);
    send_all(r->fd, request, len);
    line = next_line(r);
    if (*line != '*' || line[1] == '-' || line[1] == '0')
        return 0;
    next_line(r); /* *2: the stream, */
    next_line(r); /* its name, */
    next_line(r);
    for (int left = atoi(next_line(r) + 1); left > 0; left--) { /* and its messages: */
        next_line(r);                                           /* *2, the id, */
        next_line(r);
        line = next_line(r);
        snprintf(ids[n++], sizeof(ids[0]), "%.*s", (int)strcspn(line, "\r"), line);
        for (int i = 0; i < 5; i++) /* and *2, the field, the value */
            next_line(r);
    }
    len = (size_t)snprintf(request, sizeof(request), "XACK q g");
    for (unsigned i = 0; i < n; i++)
        len += (size_t)snprintf(request + len, sizeof(request) - len, " %s", ids[i]);
    snprintf(request + len, sizeof(request) - len, "\r\n");
    return redis_request(r, request) ? 0 : n;
}

static double redis_rate(unsigned batch, uint64_t ns)
{
    static struct reply r;
    uint64_t count = 0, begin, passed;
    pid_t parent = getpid(), pid;

    r = (struct reply){.fd = redis_connect()};
    if (r.fd < 0)
        return 0;
    redis_request(&r, "DEL q\r\n");
    if (redis_request(&r, "XGROUP CREATE q g 0 MKSTREAM\r\n"))
        die("Redis cannot make a group");
    pid = fork();
    if (!pid) {
        child_dies_with_us(parent);
        redis_produce(batch);
    }
    begin = now_ns();
    do
        count += redis_work(&r, batch);
    while ((passed = now_ns() - begin) < ns);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(r.fd);
    return (double)count / (double)passed * 1e3;
}

void others_begin(void)
{
    pid_t parent = getpid();

    if (!mkdtemp(folder))
        die("mkdtemp: %s", strerror(errno));
    snprintf(path, sizeof(path), "%s/redis", folder);
    server = fork();
    if (!server) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        child_dies_with_us(parent);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", path, "--save", "",
               "--appendonly", "no", "--daemonize", "no", (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 100 && server; i++) {
        int fd = redis_connect();

        close(fd);
        if (fd >= 0)
            return;
        if (waitpid(server, NULL, WNOHANG) == server)
            server = 0;
        sleep_ns(20000000);
    }
    if (server)
        die("redis-server does not answer");
    left_out = "Redis, as there is no redis-server";
}

void others_end(void)
{
    if (server) {
        kill(server, SIGTERM);
        waitpid(server, NULL, 0);
    }
    unlink(path);
    rmdir(folder);
}

/* ---- the kernel's ---- */

static double pipe_rate(uint64_t ns)
{
    uint64_t count = 0, begin, passed;
    pid_t parent = getpid(), pid;
    char message[VALUE] = "m";
    int ends[2];

    if (pipe2(ends, O_CLOEXEC))
        die("pipe: %s", strerror(errno));
    pid = fork();
    if (!pid) {
        child_dies_with_us(parent);
        while (write(ends[1], message, sizeof(message)) == sizeof(message))
            ;
        _exit(0);
    }
    begin = now_ns();
    do
        count += read(ends[0], message, sizeof(message)) == sizeof(message);
    while ((passed = now_ns() - begin) < ns);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(ends[0]);
    close(ends[1]);
    return (double)count / (double)passed * 1e3;
}

static double mqueue_rate(uint64_t ns)
{
    struct mq_attr attr = {.mq_maxmsg = 10, .mq_msgsize = VALUE}; /* what any user may have */
    uint64_t count = 0, begin, passed;
    pid_t parent = getpid(), pid;
    char message[VALUE] = "m", name[64];
    mqd_t q;

    snprintf(name, sizeof(name), "/splinter-bench-%d", (int)parent);
    q = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600, &attr);
    if (q == (mqd_t)-1)
        return 0;
    mq_unlink(name);
    pid = fork();
    if (!pid) {
        child_dies_with_us(parent);
        while (!mq_send(q, message, sizeof(message), 0))
            ;
        _exit(0);
    }
    begin = now_ns();
    do
        count += mq_receive(q, message, sizeof(message), NULL) == sizeof(message);
    while ((passed = now_ns() - begin) < ns);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    mq_close(q);
    return (double)count / (double)passed * 1e3;
}

double others_rate(unsigned which, uint64_t ns)
{
    switch (which) {
    case PIPE:
        return pipe_rate(ns);
    case MQUEUE:
        return mqueue_rate(ns);
    default:
        return server ? redis_rate(which == REDIS_ONE ? 1 : MANY, ns) : 0;
    }
}
