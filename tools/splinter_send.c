/* SPDX-License-Identifier: Apache-2.0 */
/* splinter_send - set a key of a bus to a value, from the command line or standard input */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "cli_bus.h"
#include "cli_text.h"

#define NUMBER_MAX 32 /* bytes of a number as text, and some */

static const char help[] =
    "Usage: splinter_send [OPTION]... [[BUS] KEY] VALUE\n"
    "       splinter_send [OPTION]... --stdin|--lines [[BUS] KEY]\n"
    "Set KEY (default " CLI_DEFAULT_KEY ") of BUS (default $SPLINTER_BUS, or " CLI_DEFAULT_BUS ")\n"
    "to VALUE.  One argument is VALUE, two are KEY and VALUE.  VALUE '-' is the same as --stdin.\n"
    "Options come before the arguments, so VALUE may begin with a dash, as -5 does.\n"
    "A BUS with a '/' other than a leading one is the path of a file.\n"
    "\n"
    "  -b, --bus BUS        the bus; the arguments then do not begin with it\n"
    "  -s, --stdin          take the value, any bytes, from standard input\n"
    "  -l, --lines          send each line of standard input as a value of its own\n"
    "      --type TYPE      label the value: bytes (the default), text, json, int64 (VALUE is a\n"
    "                       whole number), or a number from 256 to 65535\n"
    "  -t, --ttl MS         the value expires after MS milliseconds\n"
    "  -c, --create         create the bus if it does not exist, with\n"
    "      --slots N          room for N keys (default 1024)\n"
    "      --max-value BYTES  values of up to BYTES bytes (default 65536)\n"
    "      --mode MODE        permissions MODE, less the umask (default 600)\n"
    "      --feed N           the last N changes of each writer, for followers (default 0)\n"
    "  -f, --file           BUS is the path of a file, whatever it looks like\n"
    "      --file=FILE      the bus in this file, as --bus does\n"
    "      --sync           end only when what was sent is on disk, if BUS is in a file\n"
    "  -h, --help           print this and exit\n"
    "  -V, --version        print the version and exit\n"
    "\n"
    "Exit status: 0 sent, 1 failure, 2 wrong arguments, 3 no such bus.\n";

static const char *bus; /* that was chosen, or is the default */
static struct cli_choice chosen;
static const char *key = CLI_DEFAULT_KEY;
static const char *value; /* NULL: from standard input */
static bool from_stdin, lines, create, sync_at_end, feed_given;
static struct splinter_open_options open_options = {.struct_size = sizeof(open_options)};
static struct splinter_set_options set_options = {.struct_size = sizeof(set_options)};

static splinter_store *store;
static uint64_t max_value;

static void send_value(const void *bytes, size_t len)
{
    int64_t number;
    if (set_options.type == SPLINTER_TYPE_INT64) {
        len -= from_stdin && !lines && len && ((const char *)bytes)[len - 1] == '\n';
        if (!cli_parse_int64(bytes, len, &number))
            cli_die(from_stdin ? CLI_FAILURE : CLI_USAGE,
                    "'%.*s' is not a whole number of 64 bits, which --type=int64 takes",
                    (int)(len < 60 ? len : 60), (const char *)bytes);
        bytes = &number;
        len = sizeof(number);
    }
    int r = splinter_store_set(store, key, bytes, len, &set_options, NULL);
    switch (r) {
    case 0:
        return;
    case -ENOSPC:
        cli_die(CLI_FAILURE, "bus '%s' is full: %s", bus, cli_what_ran_out());
    case -EROFS:
        cli_die(CLI_FAILURE, "bus '%s' is in a file that may only be read", bus);
    case -EAGAIN:
        cli_die(CLI_FAILURE, "key '%s' is held by a process that is stopped; try again", key);
    default:
        cli_die(CLI_FAILURE, "cannot set key '%s' of bus '%s': %s", key, bus, strerror(-r));
    }
}

/* ---- from standard input ---- */

struct input {
    char *buf;
    size_t len, room;
};

/* Reads more, up to `most` bytes in all.  false: the end of the input. */
static bool read_more(struct input *in, size_t most)
{
    if (in->len == in->room) {
        size_t room = in->room ? in->room * 2 : 65536;
        if (room > most)
            room = most;
        char *bigger = realloc(in->buf, room);
        if (!bigger)
            cli_die(CLI_FAILURE, "no memory for a value of %zu bytes", room);
        in->buf = bigger;
        in->room = room;
    }
    for (;;) {
        struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
        /* In slices: a signal just before the call would not end it. */
        int ready = poll(&p, 1, (int)cli_slice(CLI_NEVER));
        if (cli_stop) {
            cli_close();
            cli_die_of_signal();
        }
        if (ready == 0)
            continue;
        ssize_t n = read(STDIN_FILENO, in->buf + in->len, in->room - in->len);
        if (n >= 0) {
            in->len += (size_t)n;
            return n > 0;
        }
        if (errno != EINTR)
            cli_die(CLI_FAILURE, "cannot read standard input: %s", strerror(errno));
    }
}

static void send_whole(void)
{
    static struct input in;
    /* One byte over the limit is enough to know; the input may never end. */
    while (in.len <= max_value && read_more(&in, (size_t)max_value + 1))
        ;
    if (in.len > max_value)
        cli_die(CLI_FAILURE, "the value has %zu bytes or more; bus '%s' takes at most %llu", in.len,
                bus, (unsigned long long)max_value);
    if (in.len == 0)
        cli_die(CLI_FAILURE, "standard input is empty; a value must be at least 1 byte long");
    send_value(in.buf, in.len);
    free(in.buf);
}

/* An empty line cannot be a value. */
static uint64_t send_line(const char *line, size_t len, uint64_t number)
{
    if (len > max_value)
        cli_die(CLI_FAILURE,
                "line %llu has %zu bytes or more; bus '%s' takes at most %llu; the lines before it "
                "were sent",
                (unsigned long long)number, len, bus, (unsigned long long)max_value);
    if (len)
        send_value(line, len);
    return len == 0;
}

static void send_lines(void)
{
    static struct input in;
    uint64_t number = 0, empty = 0;
    bool more = true;
    while (more) {
        size_t searched = in.len;
        more = read_more(&in, (size_t)max_value + 1);
        char *begin = in.buf, *end = in.buf + in.len, *newline;
        char *from = in.buf + searched; /* what was there before has no newline */
        while ((newline = memchr(from, '\n', (size_t)(end - from)))) {
            empty += send_line(begin, (size_t)(newline - begin), ++number);
            begin = from = newline + 1;
        }
        in.len = (size_t)(end - begin);
        memmove(in.buf, begin, in.len);
        if (in.len > max_value || (!more && in.len))
            send_line(in.buf, in.len, ++number);
    }
    free(in.buf);
    if (empty)
        cli_warn("%llu empty line%s not sent: a value must be at least 1 byte long",
                 (unsigned long long)empty, empty == 1 ? " was" : "s were");
}

/* ---- the command line ---- */

enum { OPT_TYPE = CLI_OPT_OWN, OPT_SLOTS, OPT_MAX_VALUE, OPT_MODE, OPT_FEED, OPT_SYNC };

static const struct option options[] = {
    CLI_BUS_OPTIONS,
    {"stdin", no_argument, NULL, 's'},
    {"lines", no_argument, NULL, 'l'},
    {"type", required_argument, NULL, OPT_TYPE},
    {"ttl", required_argument, NULL, 't'},
    {"create", no_argument, NULL, 'c'},
    {"slots", required_argument, NULL, OPT_SLOTS},
    {"max-value", required_argument, NULL, OPT_MAX_VALUE},
    {"mode", required_argument, NULL, OPT_MODE},
    {"feed", required_argument, NULL, OPT_FEED},
    {"sync", no_argument, NULL, OPT_SYNC},
    CLI_OPTIONS,
};
static const struct cli_syntax syntax = {help, "+" CLI_BUS_LETTERS "slt:c" CLI_LETTERS, options};

static void read_options(int argc, char **argv)
{
    int option;

    while ((option = cli_option(&syntax, argc, argv)) != -1)
        switch (option) {
        case 's':
            from_stdin = true;
            break;
        case 'l':
            lines = from_stdin = true;
            break;
        case OPT_TYPE:
            set_options.type = cli_type("--type", optarg);
            break;
        case 't':
            set_options.ttl_ns = cli_number("--ttl", optarg, 1, CLI_MS_MAX) * 1000000;
            break;
        case 'c':
            create = true;
            break;
        case OPT_SLOTS:
            open_options.slots = (size_t)cli_number("--slots", optarg, 1, SPLINTER_SLOTS_MAX);
            break;
        case OPT_MAX_VALUE:
            open_options.max_value =
                (size_t)cli_number("--max-value", optarg, 1, SPLINTER_VALUE_MAX);
            break;
        case OPT_MODE:
            open_options.mode = cli_mode("--mode", optarg);
            break;
        case OPT_FEED:
            open_options.feed = (size_t)cli_number("--feed", optarg, 0, CLI_FEED_MAX);
            feed_given = true;
            break;
        case OPT_SYNC:
            sync_at_end = true;
            break;
        default:
            cli_choice_option(&chosen, option);
        }
}

/*
 * A value that comes from somewhere else may be any bytes, and must not become an option by what
 * they are.  So no option comes after the first argument.  What looks like one was meant to be one,
 * or needs a "--" before it: to send it in place of obeying would be as wrong as the reverse.
 * Removes that "--".  Returns how many arguments are left.
 */
static int only_arguments(int count, char **arguments)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(arguments[i], "--") == 0 && i + 1 < count) {
            memmove(arguments + i, arguments + i + 1, (size_t)(count - i) * sizeof(*arguments));
            return count - 1;
        }
        if (cli_is_option(&syntax, arguments[i]))
            cli_usage("'%s' comes after an argument: options come first; if it is the value, put "
                      "'--' before it", arguments[i]);
    }
    return count;
}

static void read_arguments(int count, char **arguments)
{
    bus = chosen.bus;
    if (count && (!from_stdin || strcmp(arguments[count - 1], "-") == 0))
        value = arguments[--count];
    if (value && strcmp(value, "-") == 0) {
        from_stdin = true;
        value = NULL;
    }
    if (!value && !from_stdin)
        cli_usage("VALUE is missing");
    if (count > (bus ? 1 : 2))
        cli_usage("too many arguments: only %s allowed%s",
                  !from_stdin ? bus ? "KEY and VALUE are" : "BUS, KEY and VALUE are"
                  : bus       ? "KEY is"
                              : "BUS and KEY are",
                  from_stdin ? "; the value comes from standard input" : "");
    if (count > 1)
        bus = *arguments++;
    else if (!bus)
        bus = cli_default_bus();
    if (count > 0)
        key = *arguments;
    cli_key("KEY", key);
    if (value && !*value)
        cli_usage("VALUE: an empty value is not allowed; it must be at least 1 byte long");
    if (!create && (open_options.slots || open_options.max_value || open_options.mode ||
                    feed_given))
        cli_usage("--slots, --max-value, --mode and --feed are for a new bus; they need --create");
}

/* ---- from the bus to the end ---- */

static void open_bus(void)
{
    open_options.flags = cli_where(bus, chosen.file);
    if (create) {
        open_options.flags |= SPLINTER_CREATE;
        if (!open_options.slots)
            open_options.slots = CLI_DEFAULT_SLOTS;
        if (!open_options.max_value)
            open_options.max_value = CLI_DEFAULT_MAX_VALUE;
    }
    int r = cli_open(&store, bus, &open_options);
    if (r == -ENOENT && !create)
        cli_die(CLI_ABSENT, "bus '%s' does not exist; --create makes it", bus);
    if (r == -ENOENT) /* of its directory, for one */
        cli_die(CLI_FAILURE, "%s", cli_why_not_open(bus, r));
    if (r)
        cli_open_failed(bus, r);

    struct splinter_stat stat;
    cli_stat(&stat);
    max_value = stat.max_value;
    if (open_options.feed && !stat.feed)
        cli_warn("bus '%s' was there, and has no feed: --feed is for a new bus", bus);
    if (set_options.type == SPLINTER_TYPE_INT64) { /* as text it is longer */
        if (max_value < sizeof(int64_t))
            cli_die(CLI_FAILURE, "bus '%s' takes values of at most %llu bytes; a number has 8", bus,
                    (unsigned long long)max_value);
        if (max_value < NUMBER_MAX)
            max_value = NUMBER_MAX;
    }
}

static void send_argument(void)
{
    size_t len = strlen(value);
    if (len > max_value)
        cli_die(CLI_FAILURE, "the value has %zu byte%s; bus '%s' takes at most %llu", len,
                CLI_S(len), bus, (unsigned long long)max_value);
    send_value(value, len);
}

static void bring_to_disk(void)
{
    int r = splinter_store_sync(store);
    if (r)
        cli_die(CLI_FAILURE, "cannot write bus '%s' to disk: %s", bus, strerror(-r));
}

int main(int argc, char **argv)
{
    cli_start("splinter_send");
    read_options(argc, argv);
    int count = argc - optind;
    if (strcmp(argv[optind - 1], "--") != 0)
        count = only_arguments(count, argv + optind);
    read_arguments(count, argv + optind);
    if (from_stdin)
        cli_catch_signals(false); /* else there is nothing that would take time */
    open_bus();
    if (lines)
        send_lines();
    else if (from_stdin)
        send_whole();
    else
        send_argument();
    if (sync_at_end)
        bring_to_disk();
    return CLI_OK;
}
