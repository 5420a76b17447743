/* SPDX-License-Identifier: Apache-2.0 */
/* parse.c - from words to a call of a command */
#include "parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../cli.h"
#include "bus.h"
#include "output.h"

/* ---- names ---- */

const struct ctl_command *ctl_find(const struct ctl_command *commands, const char *name)
{
    for (const struct ctl_command *c = commands; c->name; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

bool ctl_is_of_family(const struct ctl_command *command, const char *family)
{
    size_t len = strlen(family);
    return strncmp(command->name, family, len) == 0 && command->name[len] == ' ';
}

bool ctl_is_family(const struct ctl_command *commands, const char *name)
{
    for (const struct ctl_command *c = commands; c->name; c++)
        if (ctl_is_of_family(c, name))
            return true;
    return false;
}

#define NAME_MAX_LEN 16 /* longer names are near to no command */

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* The Damerau-Levenshtein distance: letters to insert, remove, replace or exchange with the next
 * one to make b of a. */
static unsigned distance(const char *a, const char *b)
{
    unsigned d[NAME_MAX_LEN + 1][NAME_MAX_LEN + 1];
    size_t m = strlen(a), n = strlen(b);
    if (m > NAME_MAX_LEN || n > NAME_MAX_LEN)
        return UINT32_MAX;
    for (size_t i = 0; i <= m; i++)
        for (size_t j = 0; j <= n; j++) {
            if (!i || !j) {
                d[i][j] = (unsigned)(i + j);
                continue;
            }
            bool same = a[i - 1] == b[j - 1];
            d[i][j] = least(d[i - 1][j - 1] + !same, least(d[i - 1][j], d[i][j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[m][n];
}

const char *ctl_nearest(const struct ctl_command *commands, const char *name)
{
    const char *nearest = NULL;
    size_t len = strlen(name);
    unsigned best = len < 4 ? 2 : 3; /* from here on it is another word */
    for (const struct ctl_command *c = commands; c->name; c++) {
        unsigned d = distance(name, c->name);
        if (len >= 2 && strncmp(c->name, name, len) == 0)
            d = 1; /* the beginning of it */
        if (d < best) {
            best = d;
            nearest = c->name;
        }
    }
    return nearest;
}

/* ---- options and arguments ---- */

enum { OPT_JSON = CLI_OPT_OWN + CTL_OPTIONS_MAX };

const struct ctl_option *ctl_option_of(const struct ctl_command *command, const char *name,
                                       size_t len)
{
    for (const struct ctl_option *o = command ? command->options : NULL; o && o->name; o++)
        if (strncmp(o->name, name, len) == 0 && !o->name[len])
            return o;
    return NULL;
}

/* The options of a command, for getopt_long(). */
static void fill_options(struct option *to, const struct ctl_command *command)
{
    static const struct option common[] = {
        {"bus", required_argument, NULL, 'b'}, {"file", required_argument, NULL, 'f'},
        {"json", no_argument, NULL, OPT_JSON}, {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int id = CLI_OPT_OWN;
    for (const struct ctl_option *o = command->options; o && o->name; o++)
        *to++ = (struct option){o->name, o->argument ? required_argument : no_argument, NULL, id++};
    /* A command may have a --file of its own; -f is that of the bus. */
    for (const struct option *o = common; o->name; o++)
        if (!ctl_option_of(command, o->name, strlen(o->name)))
            *to++ = *o;
    *to = (struct option){NULL, 0, NULL, 0};
}

static bool program_follows(const struct ctl_call *call)
{
    const char *option = call->command->program_if;
    if (!option || !*option)
        return option;
    for (size_t i = 0; call->command->options[i].name; i++)
        if (strcmp(call->command->options[i].name, option) == 0)
            return call->given[i];
    return false;
}

static void check_count(const struct ctl_call *call)
{
    const struct ctl_command *c = call->command;
    bool few = call->count < c->least;
    if (few || (c->most >= 0 && call->count > c->most))
        cli_usage("%s: too %s arguments: it takes %s", c->name, few ? "few" : "many",
                  *c->arguments ? c->arguments : "none");
}

void ctl_parse(struct ctl_call *call, const struct ctl_command *command, int argc, char **argv)
{
    struct option options[CTL_OPTIONS_MAX + 5];
    const struct cli_syntax syntax = {NULL, "-b:f:h", options};
    int option;

    *call = (struct ctl_call){.command = command, .arguments = argv + 1};
    fill_options(options, command);
    optind = 0; /* getopt_long() begins anew */
    while ((option = cli_option(&syntax, argc, argv)) != -1)
        switch (option) {
        case 1:
            call->arguments[call->count++] = optarg;
            break;
        case 'b':
            ctl_choose_bus(optarg, false);
            break;
        case 'f':
            ctl_choose_bus(optarg, true);
            break;
        case 'h':
            call->help = true;
            return;
        case OPT_JSON:
            ctl_want_json();
            break;
        default:
            call->given[option - CLI_OPT_OWN] = optarg ? optarg : "";
        }
    if (program_follows(call)) {
        if (optind == argc)
            cli_usage("%s: a COMMAND to run is missing; it comes after '--'", command->name);
        call->program = argv + optind;
    } else {
        while (optind < argc)
            call->arguments[call->count++] = argv[optind++];
    }
    check_count(call);
}

/* ---- lines ---- */

/* One word, without its quotes, from *from to *to, which is behind it or there.  Returns false if a
 * quote is not closed. */
static bool take_word(char **from, char **to)
{
    char *p = *from, *out = *to, quote = 0;
    for (; *p && (quote || !strchr(" \t\r", *p)); p++) {
        if (quote != '\'' && *p == '\\' && p[1] && (!quote || strchr("\"\\", p[1])))
            *out++ = *++p;
        else if (*p == quote)
            quote = 0;
        else if (!quote && (*p == '\'' || *p == '"'))
            quote = *p;
        else
            *out++ = *p;
    }
    *from = p + (*p != '\0');
    *to = out;
    return !quote;
}

int ctl_split(char *line, struct ctl_words *words)
{
    size_t count = 0;
    char *from = line, *to = line;
    for (;;) {
        if (count + 1 >= words->room) {
            words->room = words->room ? words->room * 2 : 16;
            words->word = cli_need(realloc(words->word, words->room * sizeof(*words->word)));
        }
        words->word[count] = NULL;
        from += strspn(from, " \t\r");
        if (!*from || *from == '#')
            return (int)count;
        words->word[count++] = to;
        if (!take_word(&from, &to))
            return -1;
        *to++ = '\0';
    }
}
