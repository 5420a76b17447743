/* SPDX-License-Identifier: Apache-2.0 */
/* cli.c - what the tools share; see cli.h */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

#define SLICE_MS 100        /* a signal is noticed at the latest after this */
#define LAST_CHANCE_MS 1000 /* for a slow reader, once we were asked to end */

static const char *tool = "splinter";
static splinter_store *opened;

volatile sig_atomic_t cli_stop;
volatile sig_atomic_t cli_hup;

/* ---- beginning and messages ---- */

static void close_opened(void)
{
    splinter_store_close(opened);
    opened = NULL;
}

void cli_start(char *name, char **argv)
{
    tool = name;
    if (argv[0])
        argv[0] = name; /* getopt_long() names the tool by this, which may be a wrapper's path */

    /* A closed standard descriptor would become the store's, and output would go into it.  Its
     * place is taken by one that fails as the closed one would. */
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd)
            exit(CLI_FAILURE);

    signal(SIGPIPE, SIG_IGN); /* writes say EPIPE instead, and we end in order */
    atexit(close_opened);
}

__attribute__((format(printf, 1, 0))) static void say(const char *format, va_list args)
{
    /* Whole, so that messages of several processes do not mix. */
    char line[1024];
    int n = snprintf(line, sizeof(line), "%s: ", tool);
    n += vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, args);
    if (n > (int)sizeof(line) - 2)
        n = (int)sizeof(line) - 2;
    line[n] = '\n';
    fwrite(line, 1, (size_t)n + 1, stderr);
}

void cli_warn(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
}

void cli_die(int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    exit(status);
}

void cli_bad_option(void)
{
    fprintf(stderr, "Try '%s --help'.\n", tool);
    exit(CLI_USAGE);
}

void cli_usage(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    cli_bad_option();
}

void cli_stdout_done(void)
{
    errno = 0;
    bool failed = fflush(stdout) || ferror(stdout);
    if (!failed)
        return;
    if (errno == EPIPE)
        exit(CLI_OK);
    cli_die(CLI_FAILURE, "cannot write to standard output: %s",
            errno ? strerror(errno) : "an earlier write failed");
}

void cli_help(const char *text)
{
    fputs(text, stdout);
    cli_stdout_done();
    exit(CLI_OK);
}

void cli_version(void)
{
    printf("%s (Splinter) %s\n", tool, splinter_version());
    cli_stdout_done();
    exit(CLI_OK);
}

/* ---- arguments ---- */

/* strtoull() takes spaces, signs and whatever comes after the digits. */
static bool parse_digits(const char **text, uint64_t *value)
{
    const char *p = *text;
    uint64_t n = 0;
    if (*p < '0' || *p > '9')
        return false;
    for (; *p >= '0' && *p <= '9'; p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (n > (UINT64_MAX - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *text = p;
    *value = n;
    return true;
}

uint64_t cli_number(const char *what, const char *text, uint64_t min, uint64_t max)
{
    const char *p = text;
    uint64_t n;
    if (!parse_digits(&p, &n) || *p || n < min || n > max)
        cli_usage("%s: '%s' is not allowed; it takes a whole number from %llu to %llu", what, text,
                  (unsigned long long)min, (unsigned long long)max);
    return n;
}

uint64_t cli_seconds(const char *what, const char *text, uint64_t min, uint64_t max)
{
    const char *p = text;
    uint64_t n = 0, ms = 0;
    bool good = parse_digits(&p, &n) && n <= max / 1000;
    if (good && *p == '.') {
        uint64_t weight = 100;
        for (p++; *p >= '0' && *p <= '9' && weight; p++, weight /= 10)
            ms += (uint64_t)(*p - '0') * weight;
        good = p[-1] != '.';
    }
    ms += n * 1000;
    if (!good || *p || ms < min || ms > max)
        cli_usage("%s: '%s' is not allowed; it takes seconds from %g to %g, with up to three "
                  "decimals",
                  what, text, (double)min / 1000, (double)max / 1000);
    return ms;
}

const char *cli_key(const char *what, const char *key)
{
    size_t len = strlen(key), max = splinter_key_max() - 1;
    if (len < 1 || len > max)
        cli_usage("%s: a key of %zu bytes is not allowed; it takes 1 to %zu", what, len, max);
    return key;
}

/* ---- signals and time ---- */

static void on_stop(int number)
{
    cli_stop = number;
}

static void on_hup(int number)
{
    (void)number;
    cli_hup = 1;
}

static void catch_one(int number, void (*handler)(int))
{
    struct sigaction old, new;
    /* Who started us with a signal ignored (nohup) wants it ignored. */
    if (handler == on_stop && !sigaction(number, NULL, &old) && old.sa_handler == SIG_IGN)
        return;
    memset(&new, 0, sizeof(new));
    new.sa_handler = handler;
    sigemptyset(&new.sa_mask);
    sigaction(number, &new, NULL); /* no SA_RESTART: read(), poll() and write() return */
}

void cli_catch_signals(bool hup_reopens)
{
    catch_one(SIGINT, on_stop);
    catch_one(SIGTERM, on_stop);
    catch_one(SIGHUP, hup_reopens ? on_hup : on_stop);
}

void cli_die_of_signal(void)
{
    int number = cli_stop;
    close_opened();
    signal(number, SIG_DFL);
    raise(number);
    exit(128 + number); /* only if the signal is blocked */
}

uint64_t cli_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t cli_deadline(uint64_t timeout_ms)
{
    uint64_t now = cli_now_ms();
    return timeout_ms > CLI_NEVER - now ? CLI_NEVER : now + timeout_ms;
}

uint64_t cli_slice(uint64_t deadline)
{
    uint64_t now = cli_now_ms();
    if (now >= deadline)
        return 0;
    return deadline - now < SLICE_MS ? deadline - now : SLICE_MS;
}

/* ---- the bus ---- */

uint32_t cli_where(const char *bus, bool file)
{
    return file || (bus[0] && strchr(bus + 1, '/')) ? SPLINTER_FILE : SPLINTER_MEMORY;
}

/* A bar on a terminal, while the index of a file is rebuilt; nothing elsewhere. */
static void show_progress(void *bus, uint64_t done, uint64_t total)
{
    static uint64_t last;
    uint64_t now = cli_now_ms();
    if (done < total && last && now - last < 50)
        return;
    last = now ? now : 1;
    int percent = total ? (int)(done * 100 / total) : 100, blocks = percent * 30 / 100;
    fprintf(stderr, "\r%s: rebuilding the index of '%.60s' [%.*s%*s] %3d%%%s",
            program_invocation_short_name, (const char *)bus, blocks,
            "##############################", 30 - blocks, "", percent,
            done < total ? "" : "\r\033[K");
}

int cli_open(splinter_store **out, const char *bus, const struct splinter_open_options *options)
{
    struct splinter_open_options o = *options;
    if (isatty(STDERR_FILENO)) {
        o.progress = show_progress;
        o.progress_arg = (void *)(uintptr_t)bus;
    }
    int r = splinter_store_open(out, bus, &o);
    if (r)
        return r;
    opened = *out;
    if (*splinter_last_error()) /* it is open, but something was lost */
        cli_warn("%s", splinter_last_error());
    return 0;
}

void cli_open_failed(const char *bus, int r)
{
    const char *why = splinter_last_error();
    if (r == -ENOENT)
        cli_die(CLI_ABSENT, "bus '%s' does not exist", bus);
    cli_die(CLI_FAILURE, "cannot open bus '%s': %s", bus, *why ? why : strerror(-r));
}

splinter_store *cli_open_to_follow(struct cli_follow *f)
{
    struct splinter_open_options options = {.struct_size = sizeof(options)};
    uint32_t where = cli_where(f->bus, f->file);
    splinter_store *store;
    for (;;) {
        /* Who may only read can follow too, but a writer does not wake him: he has to look. */
        options.flags = where;
        int r = cli_open(&store, f->bus, &options);
        if (r == -EACCES || r == -EPERM || r == -EROFS) {
            options.flags = where | SPLINTER_RDONLY;
            r = cli_open(&store, f->bus, &options);
        }
        if (!r)
            return store;
        if (r != -ENOENT || !f->wait)
            cli_open_failed(f->bus, r);
        if (!f->came && f->verbose)
            cli_warn("waiting for bus '%s'", f->bus);
        f->came = true;
        if (cli_stop)
            return NULL;
        uint64_t ms = cli_slice(f->deadline);
        if (!ms)
            cli_die(CLI_TIMEOUT, "bus '%s' did not come to exist in time", f->bus);
        poll(NULL, 0, (int)(ms < 20 ? ms : 20));
    }
}

int cli_get(splinter_store *store, const char *key, struct cli_value *v)
{
    for (;;) {
        v->meta.struct_size = sizeof(v->meta);
        int r = splinter_store_get(store, key, v->buf, v->room, &v->size, &v->meta);
        if (!r && !v->buf) /* no buffer: that was the length alone */
            r = -EMSGSIZE;
        if (!r || r == -ENOENT || r == -EAGAIN)
            return r;
        if (r != -EMSGSIZE)
            cli_die(CLI_FAILURE, "cannot read key '%s': %s", key, strerror(-r));
        size_t room = v->size < 4096 ? 4096 : v->size;
        unsigned char *bigger = realloc(v->buf, room);
        if (!bigger)
            cli_die(CLI_FAILURE, "no memory for a value of %zu bytes", v->size);
        v->buf = bigger;
        v->room = room;
    }
}

/* ---- output ---- */

void cli_out_init(struct cli_out *out, int fd, const char *name)
{
    struct stat st;
    out->fd = fd;
    out->name = name;
    out->regular = !fstat(fd, &st) && S_ISREG(st.st_mode);
    out->len = 0;
}

static noreturn void write_failed(const struct cli_out *out, int error)
{
    if (error == EPIPE)
        exit(CLI_OK);
    cli_die(CLI_FAILURE, "cannot write to %s: %s", out->name, strerror(error));
}

/* Until a write of PIPE_BUF bytes will not block; a reader who does not read may take for ever. */
static void wait_writable(struct cli_out *out, size_t left)
{
    uint64_t give_up = CLI_NEVER;
    for (;;) {
        struct pollfd p = {.fd = out->fd, .events = POLLOUT};
        int n = poll(&p, 1, SLICE_MS);
        if (n > 0 || (n < 0 && errno != EINTR))
            return; /* ready, or write() says what is wrong */
        if (!cli_stop)
            continue;
        if (give_up == CLI_NEVER)
            give_up = cli_deadline(LAST_CHANCE_MS);
        else if (cli_now_ms() >= give_up)
            cli_die(CLI_FAILURE, "the last %zu bytes were not written: nobody reads %s", left,
                    out->name);
    }
}

static void write_all(struct cli_out *out, const unsigned char *data, size_t len)
{
    while (len) {
        size_t part = len;
        if (!out->regular) {
            wait_writable(out, len);
            if (part > PIPE_BUF)
                part = PIPE_BUF;
        }
        ssize_t n = write(out->fd, data, part);
        if (n < 0) {
            if (errno == EINTR || errno == EAGAIN)
                continue;
            write_failed(out, errno);
        }
        data += n;
        len -= (size_t)n;
    }
}

void cli_out_flush(struct cli_out *out)
{
    size_t len = out->len;
    out->len = 0;
    write_all(out, out->buf, len);
}

void cli_out_put(struct cli_out *out, const void *data, size_t len)
{
    if (len > sizeof(out->buf) - out->len)
        cli_out_flush(out);
    if (len > sizeof(out->buf)) {
        write_all(out, data, len);
    } else if (len) {
        memcpy(out->buf + out->len, data, len);
        out->len += len;
    }
}

void cli_out_printf(struct cli_out *out, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (n > (int)sizeof(line) - 1)
        n = (int)sizeof(line) - 1;
    if (n > 0)
        cli_out_put(out, line, (size_t)n);
}

void cli_out_check(struct cli_out *out)
{
    struct pollfd p = {.fd = out->fd, .events = 0};
    if (poll(&p, 1, 0) > 0 && p.revents & (POLLERR | POLLHUP))
        exit(CLI_OK);
}
