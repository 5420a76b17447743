/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli.h - what the tools share: arguments, messages, exit statuses, signals and time
 *
 * A tool is one thread (splinter_perf's workers call none of this) and ends through exit(),
 * which detaches from the store.  A function that meets an error which the tool can only report
 * reports it and does not return.
 */
#ifndef SPLINTER_CLI_H
#define SPLINTER_CLI_H

#include <getopt.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>

#define CLI_DEFAULT_KEY "__debug"

/* Exit statuses, the same for all tools. */
enum {
    CLI_OK = 0,
    CLI_FAILURE = 1,
    CLI_USAGE = 2,  /* the arguments are wrong; nothing was done */
    CLI_ABSENT = 3, /* no such bus or key */
    CLI_TIMEOUT = 4,
    CLI_REFUSED = 5, /* a condition did not hold: it exists already, a lock is held */
    CLI_FOUND = 6    /* a check or a comparison found something */
};

/* The longest time in milliseconds that an option takes: it still fits in nanoseconds. */
#define CLI_MS_MAX (UINT64_MAX / 1000000)
#define CLI_NEVER UINT64_MAX /* a deadline */

/* ---- beginning and messages ---- */

/* First in main().  name is the tool's, for messages. */
void cli_start(const char *name);

/* "NAME: message" to standard error. */
void cli_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
noreturn void cli_die(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* As cli_die(CLI_USAGE, ...), and points at --help. */
noreturn void cli_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The command, such as "splinterctl get", whose --help cli_usage() points at; NULL: the tool. */
extern const char *cli_usage_of;

/* The line of an input that is being obeyed, for messages; NULL: none. */
struct cli_place {
    const char *name;
    uint64_t line;
};
extern const struct cli_place *cli_place;

/* If it is not NULL, cli_die() and cli_usage() do not end the tool: they set it to NULL, and
 * setjmp() there returns 1 more than the status. */
extern jmp_buf *cli_catcher;

/* Returns memory, which an allocation returned; ends the tool if it is NULL. */
void *cli_need(void *memory);

/* Flushes stdio's standard output.  Reports an error, except that the reader has gone. */
void cli_stdout_done(void);

/* ---- options and arguments ---- */

/* The options of a tool, for getopt_long(). */
struct cli_syntax {
    const char *help;             /* the whole output of --help; NULL: cli_option() returns 'h' */
    const char *letters;          /* the short options, with CLI_LETTERS; a '+' before them: no
                                   * option comes after the first argument; a '-': an argument
                                   * counts as an option with the value 1 */
    const struct option *options; /* ends with CLI_OPTIONS */
};
enum {
    CLI_OPT_FILE = 255, /* --file, of cli_bus.h */
    CLI_OPT_OWN = 256   /* the first of the tool's own options without a letter */
};
#define CLI_LETTERS "hV"
#define CLI_OPTIONS                         \
    {"help", no_argument, NULL, 'h'},       \
    {"version", no_argument, NULL, 'V'},    \
    {NULL, 0, NULL, 0}

/* The next option, or -1.  Does not return after --help, --version or a wrong option. */
int cli_option(const struct cli_syntax *syntax, int argc, char **argv);

/* word would be an option of the tool, written in full, or "--". */
bool cli_is_option(const struct cli_syntax *syntax, const char *word);

/* A whole decimal number from min to max; what names the argument in the message. */
uint64_t cli_number(const char *what, const char *text, uint64_t min, uint64_t max);
/* As much of text as len says is a whole decimal number, which may be negative. */
bool cli_parse_int64(const char *text, size_t len, int64_t *number);
/* The permissions of a new store: an octal number from 1 to 777. */
uint32_t cli_mode(const char *what, const char *text);
/* Seconds with up to three decimals, in milliseconds; min and max are milliseconds. */
uint64_t cli_seconds(const char *what, const char *text, uint64_t min, uint64_t max);
/* Refuses what cannot be a key. */
const char *cli_key(const char *what, const char *key);

/* ---- signals and time ---- */

/* After cli_catch_signals(): the SIGINT or SIGTERM (SIGHUP, unless it reopens) that came, or 0. */
extern volatile sig_atomic_t cli_stop;
/* A SIGHUP came, and hup_reopens was set. */
extern volatile sig_atomic_t cli_hup;
void cli_catch_signals(bool hup_reopens);
/* Ends the process by the signal in cli_stop.  Nothing is done that exit() would do: the tool
 * closes the store first. */
noreturn void cli_die_of_signal(void);

uint64_t cli_now_ms(void); /* monotonic */
/* The deadline of a wait that begins now; timeout_ms CLI_NEVER: none. */
uint64_t cli_deadline(uint64_t timeout_ms);
/* Milliseconds to wait now: short enough that a signal is noticed soon, because the library's
 * waits go on after one. */
uint64_t cli_slice(uint64_t deadline);

#endif /* SPLINTER_CLI_H */
