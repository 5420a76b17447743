/* SPDX-License-Identifier: Apache-2.0 */
/* cli.c - arguments, messages, signals and time */
#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <splinter.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli_text.h"

#define SLICE_MS 100 /* a signal is noticed at the latest after this */

static const char *tool = "splinter";

volatile sig_atomic_t cli_stop;
volatile sig_atomic_t cli_hup;

const char *cli_usage_of;
const struct cli_place *cli_place;
jmp_buf *cli_catcher;

/* ---- beginning and messages ---- */

void cli_start(const char *name)
{
    tool = name;

    /* A closed standard descriptor would become the store's, and output would go into it.  Its
     * place is taken by one that fails as the closed one would. */
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd)
            exit(CLI_FAILURE);

    /* Writes say EPIPE and EFBIG instead, and we end in order. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

__attribute__((format(printf, 1, 0))) static void say(const char *format, va_list args)
{
    /* Whole, so that messages of several processes do not mix. */
    char message[1024], line[64 + CLI_SHOWN_MAX(sizeof(message))];
    int place = 0;
    if (cli_place)
        place = snprintf(message, sizeof(message) / 2, "%s:%llu: ", cli_place->name,
                         (unsigned long long)cli_place->line);
    if (place > (int)sizeof(message) / 2 - 1)
        place = (int)sizeof(message) / 2 - 1;
    int n = place + vsnprintf(message + place, sizeof(message) - (size_t)place, format, args);
    if (n > (int)sizeof(message) - 1)
        n = (int)sizeof(message) - 1;
    size_t len = (size_t)snprintf(line, 64, "%s: ", tool);
    len += cli_show(line + len, message, n < 0 ? 0 : (size_t)n);
    line[len++] = '\n';
    fwrite(line, 1, len, stderr);
}

static noreturn void end(int status)
{
    jmp_buf *to = cli_catcher;
    cli_catcher = NULL;
    if (to)
        longjmp(*to, status + 1);
    exit(status);
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
    end(status);
}

void cli_usage(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    fprintf(stderr, "Try '%s --help'.\n", cli_usage_of ? cli_usage_of : tool);
    end(CLI_USAGE);
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

void *cli_need(void *memory)
{
    if (!memory)
        cli_die(CLI_FAILURE, "out of memory");
    return memory;
}

/* ---- options and arguments ---- */

/* The beginning of more than one option, as "--" and letters. */
static bool is_ambiguous(const struct cli_syntax *syntax, const char *word)
{
    size_t len = strcspn(word + 2, "=");
    int count = 0;
    for (const struct option *o = syntax->options; o->name; o++)
        count += strncmp(o->name, word + 2, len) == 0;
    return count > 1;
}

/* What getopt_long() would say itself, but as it is given, with all that a terminal obeys. */
static noreturn void wrong_option(const struct cli_syntax *syntax, char **argv, bool lacks)
{
    const char *word = argv[optind - 1];
    if (lacks && strncmp(word, "--", 2) == 0)
        cli_usage("option '%s' needs an argument", word);
    if (lacks)
        cli_usage("option '-%c' needs an argument", optopt);
    if (!optopt && is_ambiguous(syntax, word))
        cli_usage("there are several options that begin with '%s'", word);
    if (!optopt)
        cli_usage("there is no option '%s'", word);
    if (optopt >= CLI_OPT_OWN || strchr(syntax->letters, optopt))
        cli_usage("option '%s' takes no argument", word);
    if (isdigit((unsigned char)optopt))
        cli_usage("there is no option '-%c'; an argument that begins with '-' comes after '--'",
                  optopt);
    cli_usage("there is no option '-%c'", optopt);
}

int cli_option(const struct cli_syntax *syntax, int argc, char **argv)
{
    char letters[64]; /* a ':' in front tells an argument that lacks from a wrong option */
    int order = syntax->letters[0] == '+' || syntax->letters[0] == '-';
    snprintf(letters, sizeof(letters), "%.*s:%s", order, syntax->letters, syntax->letters + order);
    opterr = 0;
    int option = getopt_long(argc, argv, letters, syntax->options, NULL);
    switch (option) {
    case 'h':
        if (!syntax->help)
            return option;
        fputs(syntax->help, stdout);
        break;
    case 'V':
        printf("%s (Splinter) %s\n", tool, splinter_version());
        break;
    case '?':
    case ':':
        wrong_option(syntax, argv, option == ':');
    default:
        return option;
    }
    cli_stdout_done();
    exit(CLI_OK);
}

bool cli_is_option(const struct cli_syntax *syntax, const char *word)
{
    if (word[0] != '-' || !word[1])
        return false;
    if (word[1] != '-')
        return !word[2] && isalnum((unsigned char)word[1]) && strchr(syntax->letters, word[1]);
    size_t len = strcspn(word + 2, "=");
    for (const struct option *o = syntax->options; o->name; o++)
        if (strlen(o->name) == len && strncmp(o->name, word + 2, len) == 0)
            return true;
    return len == 0;
}

/* strtoull() accepts spaces, signs and whatever comes after the digits. */
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

uint32_t cli_mode(const char *what, const char *text)
{
    uint32_t mode = 0;
    size_t digits = strspn(text, "01234567");
    for (size_t i = 0; i < digits && mode <= 0777; i++)
        mode = mode * 8 + (uint32_t)(text[i] - '0');
    if (text[digits] || !mode || mode > 0777)
        cli_usage("%s: '%s' is not allowed; it takes an octal number from 1 to 777, such as 660",
                  what, text);
    return mode;
}

bool cli_parse_int64(const char *text, size_t len, int64_t *number)
{
    char digits[32];
    bool negative = len && text[0] == '-';
    const char *p = digits;
    uint64_t n;
    if (len >= sizeof(digits))
        return false;
    memcpy(digits, text + negative, len - negative);
    digits[len - negative] = '\0';
    if (!parse_digits(&p, &n) || p != digits + len - negative || n > (uint64_t)INT64_MAX + negative)
        return false;
    *number = (int64_t)(negative ? 0 - n : n);
    return true;
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
    /* A signal that was ignored when the tool was started (nohup) stays ignored. */
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
