/* SPDX-License-Identifier: Apache-2.0 */
/* complete.c - what may come next in a command line, from the table of commands and from the bus */
#include "complete.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "../cli.h"
#include "../cli_bus.h"
#include "../cli_text.h"
#include "bus.h"
#include "parse.h"

#define KEYS_MAX 1000 /* of more than so many, only what all begin with is offered */

/* What the words before the last one say. */
struct line {
    const struct ctl_command *commands, *command; /* command NULL: none yet */
    const char *family;                           /* the first word of one; NULL: none */
    const char *bus;
    uint32_t where;
    const char *pending; /* the last word is this argument of an option; NULL: of none */
    enum { OF_COMMAND, OF_BUS, OF_FILE } pending_of;
    int arguments;        /* of the command */
    int program_words;    /* of a program to run */
    bool program_follows; /* "--" begins a program */
    bool program, no_options, unknown;
};

/* ---- what is there ---- */

/* Can it be typed? */
static bool is_typable(const char *name)
{
    char shown[CLI_SHOWN_MAX(SPLINTER_KEY_MAX)];
    size_t len = strlen(name);
    return cli_show(shown, name, len) == len;
}

static splinter_store *open_quietly(const struct line *line)
{
    const struct splinter_open_options options = {.struct_size = sizeof(options),
                                                  .flags = line->where | SPLINTER_RDONLY};
    splinter_store *store;
    return splinter_store_open(&store, line->bus, &options) ? NULL : store;
}

static void offer_keys(const struct line *line, struct ctl_candidates *out, const char *typed,
                       const char *keep, bool held)
{
    char key[SPLINTER_KEY_MAX];
    struct splinter_meta meta = {.struct_size = sizeof(meta)};
    uint64_t cursor = 0;
    splinter_store *store = open_quietly(line);
    while (store && splinter_store_walk(store, typed, &cursor, key, &meta) == 1)
        if ((!held || meta.owner) && is_typable(key))
            ctl_offer(out, typed, keep, key, "");
    splinter_store_close(store);
    if (out->count > KEYS_MAX)
        ctl_candidates_shorten(out, strlen(keep) + strlen(typed));
    else
        ctl_candidates_sort(out);
}

static void offer_names(const struct line *line, struct ctl_candidates *out, const char *typed,
                        const char *keep, int (*walk)(splinter_store *, uint64_t *, char *))
{
    char name[SPLINTER_TOPIC_NAME_MAX];
    uint64_t cursor = 0;
    splinter_store *store = open_quietly(line);
    while (store && walk(store, &cursor, name) == 1)
        if (is_typable(name))
            ctl_offer(out, typed, keep, name, "");
    splinter_store_close(store);
    ctl_candidates_sort(out);
}

static void offer_buses(struct ctl_candidates *out, const char *typed, const char *keep)
{
    struct dirent *entry;
    DIR *folder = opendir(CLI_MEMORY_FOLDER);
    while (folder && (entry = readdir(folder))) {
        struct line line = {.bus = entry->d_name, .where = SPLINTER_MEMORY};
        splinter_store *store = NULL;
        if (entry->d_name[0] != '.' && !strncmp(entry->d_name, typed, strlen(typed)) &&
            is_typable(entry->d_name))
            store = open_quietly(&line);
        if (store)
            ctl_offer(out, typed, keep, entry->d_name, "");
        splinter_store_close(store);
    }
    if (folder)
        closedir(folder);
    ctl_candidates_sort(out);
}

/* ---- what the table has ---- */

/* The first words of commands, or the second ones of a family. */
static void offer_commands(const struct ctl_command *commands, const char *family,
                           struct ctl_candidates *out, const char *typed)
{
    for (const struct ctl_command *c = commands; c->name; c++) {
        char word[64];
        size_t first = strcspn(c->name, " ");
        snprintf(word, sizeof(word), "%.*s", (int)first, c->name);
        if (family && ctl_is_of_family(c, family))
            ctl_offer(out, typed, "", c->name + first + 1, c->summary);
        else if (!family && !c->name[first])
            ctl_offer(out, typed, "", word, c->summary);
        else if (!family && (c == commands || !ctl_is_of_family(c - 1, word)))
            ctl_offer(out, typed, "", word, "a family of commands");
    }
}

static void offer_options(const struct ctl_command *command, struct ctl_candidates *out,
                          const char *typed)
{
    static const struct ctl_option common[] = {
        {"bus", "BUS", "the bus"},
        {"file", "FILE", "the bus is in this file"},
        {"json", NULL, "print JSON"},
        {"help", NULL, "print what it does"},
        {"version", NULL, "print the version"},
        {NULL, NULL, NULL},
    };
    for (const struct ctl_option *o = command ? command->options : NULL; o && o->name; o++)
        ctl_offer(out, typed, "--", o->name, o->help);
    for (const struct ctl_option *o = common; o->name; o++)
        if (!ctl_option_of(command, o->name, strlen(o->name)) &&
            !(command && strcmp(o->name, "version") == 0))
            ctl_offer(out, typed, "--", o->name, o->help);
}

/* The words of "a|b|N" that are no names of arguments. */
static void offer_alternatives(const char *all, struct ctl_candidates *out, const char *typed,
                               const char *keep)
{
    while (*all) {
        size_t len = strcspn(all, "|");
        char word[64];
        snprintf(word, sizeof(word), "%.*s", (int)len, all);
        if (word[0] >= 'a' && word[0] <= 'z')
            ctl_offer(out, typed, keep, word, "");
        all += len + (all[len] != '\0');
    }
}

static bool is_one_of(const char *kind, const char *list)
{
    size_t len = strlen(kind);
    for (const char *at = list; (at = strstr(at, kind)); at += len)
        if ((at == list || at[-1] == ' ') && (!at[len] || at[len] == ' '))
            return true;
    return false;
}

/* kind is the name of the argument in the help. */
static void offer_kind(const struct line *line, const char *kind, struct ctl_candidates *out,
                       const char *typed, const char *keep)
{
    if (strchr(kind, '|')) {
        offer_alternatives(kind, out, typed, keep);
    } else if (strcmp(kind, "KEY") == 0) {
        offer_keys(line, out, typed, keep, false);
    } else if (strcmp(kind, "P") == 0) { /* a prefix */
        offer_keys(line, out, typed, keep, false);
        out->begun = true;
    } else if (strcmp(kind, "NAME") == 0) { /* of a lease */
        offer_keys(line, out, typed, keep, true);
    } else if (strcmp(kind, "TOPIC") == 0) {
        offer_names(line, out, typed, keep, splinter_topic_walk);
    } else if (strcmp(kind, "QUEUE") == 0) {
        offer_names(line, out, typed, keep, splinter_queue_walk);
    } else if (strcmp(kind, "TYPE") == 0) {
        for (uint32_t type = 0; cli_type_name(type); type++)
            ctl_offer(out, typed, keep, cli_type_name(type), "");
    } else if (is_one_of(kind, "BUS STORE SOURCE TARGET OTHER FROM TO")) {
        if (strchr(typed, '/'))
            out->files = true;
        else
            offer_buses(out, typed, keep);
    } else if (is_one_of(kind, "FILE PATH DIR")) {
        out->files = true;
    } else if (strcmp(kind, "COMMAND") == 0) { /* of help */
        offer_commands(line->commands, NULL, out, typed);
    }
}

/* The name of an argument of a command by its place; the last one counts again if it has "...".
 * Returns false if there is none. */
static bool kind_of(const struct ctl_command *command, int place, char *kind, size_t room)
{
    const char *p = command->arguments;
    bool repeats = false;
    kind[0] = '\0';
    for (int i = 0; *p;) {
        size_t len = strcspn(p, " ");
        size_t begin = strspn(p, "[");
        size_t name = strspn(p + begin, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        if (strncmp(p + begin, "-- ", 3) == 0)
            break;
        if (name) {
            snprintf(kind, room, "%.*s", (int)name, p + begin);
            repeats = len > begin + name && memmem(p, len, "...", 3);
            if (i++ == place)
                return true;
        }
        p += len + (p[len] != '\0');
    }
    return repeats;
}

/* ---- the line ---- */

/* Makes of an option what it says of the words that follow. */
static void note_option(struct line *line, const char *word)
{
    bool is_long = word[1] == '-';
    size_t len = is_long ? strcspn(word + 2, "=") : 0;
    const char *value = is_long ? word + 2 + len + (word[2 + len] == '=') : word + 2;
    bool valued = is_long ? word[2 + len] == '=' : *value;
    const struct ctl_option *o = is_long ? ctl_option_of(line->command, word + 2, len) : NULL;
    bool bus = is_long ? !o && len == 3 && !strncmp(word + 2, "bus", 3) : word[1] == 'b';
    bool file = is_long ? !o && len == 4 && !strncmp(word + 2, "file", 4) : word[1] == 'f';
    if (o && line->command->program_if && strcmp(o->name, line->command->program_if) == 0)
        line->program_follows = true;
    if (o && o->argument && !valued)
        line->pending = o->argument;
    line->pending_of = bus ? OF_BUS : file ? OF_FILE : OF_COMMAND;
    if ((bus || file) && valued) {
        line->bus = value;
        line->where = cli_where(value, file);
    } else if (bus || file) {
        line->pending = bus ? "BUS" : "FILE";
    }
}

static void note_name(struct line *line, const char *word)
{
    char name[64];
    if (!line->family && ctl_is_family(line->commands, word)) {
        line->family = word;
        return;
    }
    snprintf(name, sizeof(name), "%s%s%s", line->family ? line->family : "",
             line->family ? " " : "", word);
    line->command = ctl_find(line->commands, name);
    line->unknown = !line->command;
    line->program_follows = line->command && line->command->program_if &&
                            !*line->command->program_if;
}

static void note_word(struct line *line, const char *word)
{
    if (line->pending) {
        if (line->pending_of != OF_COMMAND) {
            line->bus = word;
            line->where = cli_where(word, line->pending_of == OF_FILE);
        }
        line->pending = NULL;
    } else if (line->program) {
        line->program_words++;
    } else if (!line->no_options && strcmp(word, "--") == 0) {
        line->program = line->program_follows;
        line->no_options = true;
    } else if (!line->no_options && word[0] == '-' && word[1]) {
        note_option(line, word);
    } else if (!line->command) {
        note_name(line, word);
    } else {
        line->arguments++;
    }
}

/* The word is the beginning of an option, or "--option=" and the beginning of its argument. */
static void complete_option(struct line *line, const char *word, struct ctl_candidates *out)
{
    const char *equals = strchr(word, '=');
    char keep[64];
    if (!equals) {
        offer_options(line->command, out, word[1] ? word + 2 : "");
        return;
    }
    snprintf(keep, sizeof(keep), "%.*s", (int)(equals - word), word);
    note_option(line, keep);
    snprintf(keep, sizeof(keep), "%.*s", (int)(equals - word) + 1, word);
    if (line->pending && equals - word < 60)
        offer_kind(line, line->pending, out, equals + 1, keep);
}

void ctl_complete(const struct ctl_command *commands, char **words, int count,
                  struct ctl_candidates *out)
{
    struct line line = {.commands = commands, .bus = ctl_bus_name(), .where = ctl_bus_where()};
    const char *word = count ? words[count - 1] : "";
    char kind[32];
    *out = (struct ctl_candidates){.item = NULL};
    for (int i = 0; i + 1 < count; i++)
        note_word(&line, words[i]);
    if (line.unknown) {
    } else if (line.pending) {
        offer_kind(&line, line.pending, out, word, "");
    } else if (line.program) {
        out->programs = !line.program_words;
        out->files = line.program_words;
    } else if (!line.no_options && word[0] == '-') {
        complete_option(&line, word, out);
    } else if (!line.command) {
        offer_commands(commands, line.family, out, word);
    } else if (strcmp(line.command->name, "help") == 0) {
        if (line.arguments < 2)
            offer_commands(commands, line.arguments ? words[count - 2] : NULL, out, word);
    } else if ((line.command->most < 0 || line.arguments < line.command->most) &&
               kind_of(line.command, line.arguments, kind, sizeof(kind))) {
        offer_kind(&line, kind, out, word, "");
    }
}

const struct ctl_command *ctl_command_of(const struct ctl_command *commands, char **words,
                                         int count, int *used)
{
    struct line line = {.commands = commands};
    for (*used = 0; *used < count && !line.command && !line.unknown; ++*used)
        note_word(&line, words[*used]);
    return line.command;
}
