/* SPDX-License-Identifier: Apache-2.0 */
/*
 * splinter_recv - print each new value of a key as it arrives
 *
 * A key holds its last value only.  After each value printed the tool waits for anything newer than
 * its epoch, so the last one is always seen.  It knows from the revision how many were replaced
 * before it looked, and reports that.  If the bus has a feed, it follows that, and goes to each
 * change of the key in turn.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "cli_bus.h"
#include "cli_follow.h"
#include "cli_out.h"

static const char help[] =
    "Usage: splinter_recv [OPTION]... [[BUS] KEY]\n"
    "Print each new value of KEY (default " CLI_DEFAULT_KEY ") of BUS (default $SPLINTER_BUS, or\n"
    CLI_DEFAULT_BUS ") as it arrives, each followed by a newline.  One argument is KEY.\n"
    "A BUS with a '/' other than a leading one is the path of a file.\n"
    "\n"
    "  -b, --bus BUS        the bus; the only argument is then KEY\n"
    "  -1, --oneshot        end after one value\n"
    "  -n, --count N        end after N values\n"
    "  -t, --timeout MS     give up when no value has come for MS milliseconds\n"
    "  -c, --current        begin with the value that is there\n"
    "  -w, --wait           wait for a bus or key that does not exist (yet, or any more)\n"
    "  -e, --epoch          print the value's epoch and a tab before it\n"
    "  -0, --null           end each value with a zero byte instead of a newline\n"
    "  -r, --raw            print nothing but the values, and those of type int64 as their bytes\n"
    "  -f, --file           BUS is the path of a file, whatever it looks like\n"
    "      --file=FILE      the bus in this file, as --bus does\n"
    "  -q, --quiet          do not say on standard error how many values were missed\n"
    "  -v, --verbose        say on standard error when following begins, and if by a feed\n"
    "  -h, --help           print this and exit\n"
    "  -V, --version        print the version and exit\n"
    "\n"
    "Exit status: 0 done (also after SIGINT or SIGTERM, unless --oneshot or --count is not yet\n"
    "fulfilled), 1 failure, 2 wrong arguments, 3 no such bus or key, 4 timeout.\n";

static struct cli_follow asked;
static const char *key = CLI_DEFAULT_KEY;
static bool show_epoch, quiet;
static int terminator = '\n'; /* -1: none */

static struct cli_out out;
static struct cli_seen seen;
static uint64_t life_end; /* of the value that came last, CLOCK_BOOTTIME in ns; 0: none */
static bool owned;        /* it is ephemeral */

/* ---- the command line ---- */

static void read_options(int argc, char **argv)
{
    static const struct option options[] = {
        {"oneshot", no_argument, NULL, '1'},
        {"epoch", no_argument, NULL, 'e'},
        {"null", no_argument, NULL, '0'},
        {"raw", no_argument, NULL, 'r'},
        {"quiet", no_argument, NULL, 'q'},
        CLI_FOLLOW_OPTIONS,
        CLI_OPTIONS,
    };
    static const struct cli_syntax syntax = {help, "1e0rq" CLI_FOLLOW_LETTERS, options};
    bool null = false, raw = false;
    int option;

    cli_follow_init(&asked);
    while ((option = cli_option(&syntax, argc, argv)) != -1)
        switch (option) {
        case '1':
            asked.count = 1;
            asked.counted = true;
            break;
        case 'e':
            show_epoch = true;
            break;
        case '0':
            null = true;
            terminator = '\0';
            break;
        case 'r':
            raw = true;
            terminator = -1;
            break;
        case 'q':
            quiet = true;
            break;
        default:
            cli_follow_option(&asked, option);
        }
    if (null && raw)
        cli_usage("--null and --raw exclude each other");
}

static void read_arguments(int count, char **arguments)
{
    if (count > (asked.chosen.bus ? 1 : 2))
        cli_usage("too many arguments: only %s allowed",
                  asked.chosen.bus ? "KEY is" : "BUS and KEY are");
    if (count > 1)
        asked.chosen.bus = *arguments++;
    else if (!asked.chosen.bus)
        asked.chosen.bus = cli_default_bus();
    if (count > 0)
        key = *arguments;
    cli_key("KEY", key);
}

/* ---- following ---- */

static void say_missed(uint64_t epoch, const struct cli_missed *missed)
{
    if (!quiet)
        cli_warn_missed(key, epoch, missed);
}

/* What was passed over, before the epoch of a removal, or 0. */
static void say_passed(uint64_t epoch)
{
    struct cli_missed missed = cli_seen_passed(&seen);
    say_missed(epoch, &missed);
}

/* Before the store is left. */
static void say_rest(void)
{
    say_passed(0);
    cli_follow_say_gap(&asked);
}

static void key_absent(const char *how)
{
    if (!asked.wait) {
        cli_out_flush(&out); /* what was received before */
        say_rest();
        cli_die(CLI_ABSENT, "key '%s' %s bus '%s'", key, how, asked.chosen.bus);
    }
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void note_life(const struct splinter_meta *meta)
{
    uint64_t now = now_ns();
    life_end = !meta->ttl_ns ? 0
               : meta->ttl_ns < UINT64_MAX - now ? now + meta->ttl_ns : UINT64_MAX;
    owned = meta->owner;
}

/* The key was there.  `what` has happened: SPLINTER_EVENT_*; 0: not known. */
static void key_gone(uint32_t what)
{
    if (what == SPLINTER_EVENT_EXPIRED || (life_end && now_ns() >= life_end))
        key_absent("has expired in");
    else if (what == SPLINTER_EVENT_OWNER_GONE)
        key_absent("has lost its owner in");
    else
        key_absent(owned && !what ? "is gone from" : "was removed from");
}

/* What is set after this is new. */
static void begin(void)
{
    struct splinter_meta meta;
    int r = cli_get_meta(key, &meta);
    if (r == -ENOENT) {
        key_absent("does not exist in");
    } else if (!r) {
        cli_seen_first(&seen, &meta, asked.current);
        note_life(&meta);
    }
}

static void print_value(const struct cli_value *v)
{
    if (show_epoch)
        cli_out_printf(&out, "%" PRIu64 "\t", v->meta.epoch);
    int64_t number;
    if (terminator >= 0 && cli_value_number(v, &number))
        cli_out_printf(&out, "%" PRId64, number);
    else
        cli_out_put(&out, v->buf, v->size);
    if (terminator >= 0) {
        char end = (char)terminator;
        cli_out_put(&out, &end, 1);
    }
    cli_out_record(&out);
    cli_out_flush(&out);
}

static void value_came(const struct cli_value *v)
{
    struct cli_missed missed = cli_seen_next(&seen, &v->meta);
    say_missed(v->meta.epoch, &missed);
    note_life(&v->meta);
    print_value(v);
    asked.count--;
    cli_follow_renew_deadline(&asked);
}

/* ---- by the feed ---- */

/* At what is there, of which the feed tells nothing. */
static void look(struct cli_value *v)
{
    int r;
    do
        r = cli_get(key, v);
    while (r == -EAGAIN && !cli_stop);
    if (r == -ENOENT) /* if it was there, the feed tells of its removal */
        key_gone(0);
    else if (!r && v->meta.epoch > seen.epoch)
        value_came(v);
}

static bool is_there(void)
{
    struct splinter_meta meta;
    return cli_get_meta(key, &meta) != -ENOENT;
}

static void told(const struct splinter_event *e, struct cli_value *v)
{
    if (e->what == SPLINTER_EVENT_GAP) {
        if (!quiet)
            cli_follow_gap(&asked, e);
        look(v);
    } else if (strcmp(e->key, key) == 0) {
        enum cli_told what = cli_seen_event(&seen, e, v);
        if (what == CLI_TOLD_VALUE)
            value_came(v);
        if (what == CLI_TOLD_REMOVAL) {
            say_passed(e->epoch);
            if (!cli_stop && !is_there())
                key_gone(e->what);
        }
    }
}

/* All that has changed up to now.  false: nothing was printed. */
static bool catch_up(struct cli_value *v)
{
    struct splinter_event e;
    uint64_t last = cli_feed_last(), before = asked.count;
    while (asked.count && cli_feed_next_up_to(last, &e))
        told(&e, v);
    return asked.count != before;
}

static uint64_t next_look; /* at the key and at the reader, while other keys change */

/* Waits so many milliseconds for a change; 0: a last look.  false: the time is over. */
static bool by_feed(struct cli_value *v, uint64_t ms)
{
    struct splinter_event e;
    if (!ms)
        return catch_up(v);
    bool came = cli_feed_next(&e, ms);
    if (came)
        told(&e, v);
    if (came && cli_now_ms() < next_look)
        return true;
    next_look = cli_now_ms() + ms;
    cli_out_check(&out);
    if (!asked.wait && !is_there()) {
        catch_up(v);
        if (asked.count && !is_there()) /* the feed tells of it when it is removed */
            key_gone(owned ? SPLINTER_EVENT_OWNER_GONE : SPLINTER_EVENT_EXPIRED);
    }
    return true;
}

/* ---- the whole ---- */

/* The same without a feed. */
static bool by_waiting(splinter_store *store, struct cli_value *v, uint64_t ms)
{
    int r = splinter_store_wait(store, key, seen.epoch, ms, NULL);
    if (!r)
        r = cli_get(key, v);
    if (r == -ETIMEDOUT) {
        cli_out_check(&out);
        return ms;
    }
    if (r == -ENOENT) {
        key_gone(0);
        if (seen.epoch)
            cli_seen_gone(&seen);
        seen.epoch = 0; /* wait until the key exists */
    } else if (r && r != -EAGAIN) {
        cli_die(CLI_FAILURE, "cannot wait for key '%s' of bus '%s': %s", key, asked.chosen.bus,
                strerror(-r));
    } else if (!r && v->meta.epoch > seen.epoch) {
        value_came(v);
    }
    return true;
}

/* The bus was made again: the last value in the old one, then all that is in the new one. */
static splinter_store *move_on(splinter_store *store, struct cli_value *v)
{
    if (asked.feed)
        catch_up(v);
    else if (!cli_get(key, v) && v->meta.epoch > seen.epoch)
        value_came(v);
    say_rest();
    splinter_store *new = asked.count ? cli_follow_again(&asked) : NULL;
    if (!new)
        return store;
    seen = (struct cli_seen){0};
    if (asked.feed)
        look(v);
    return new;
}

static void follow(splinter_store *store)
{
    static struct cli_value v;
    if (asked.feed)
        look(&v);
    while (asked.count && !cli_stop) {
        if (cli_follow_moved(&asked)) {
            store = move_on(store, &v);
            continue;
        }
        uint64_t ms = cli_slice(asked.deadline);
        if (asked.feed ? by_feed(&v, ms) : by_waiting(store, &v, ms))
            continue;
        say_rest();
        cli_die(CLI_TIMEOUT, "no new value of key '%s' within %" PRIu64 " ms", key,
                asked.timeout_ms);
    }
    if (asked.feed)
        catch_up(&v);
    say_rest();
    free(v.buf);
}

int main(int argc, char **argv)
{
    cli_start("splinter_recv");
    read_options(argc, argv);
    read_arguments(argc - optind, argv + optind);

    cli_catch_signals(false);
    cli_out_init(&out, STDOUT_FILENO, "standard output");
    splinter_store *store = cli_follow_open(&asked);
    if (store) {
        if (!asked.came) /* else whatever is in it is new */
            begin();
        if (asked.verbose)
            cli_warn("following key '%s' of bus '%s'", key, asked.chosen.bus);
        follow(store);
    }
    cli_out_flush(&out);
    cli_follow_end(&asked);
    return CLI_OK;
}
