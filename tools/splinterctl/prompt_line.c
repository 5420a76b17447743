/* SPDX-License-Identifier: Apache-2.0 */
/* prompt_line.c - what the prompt completes and hints at in a line that is being typed */
#include "prompt_line.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../cli.h"
#include "../cli_text.h"
#include "parse.h"

/* Where the last word begins, which may be empty; *quote is the one that is open there, or 0. */
static size_t last_word(const char *line, char *quote)
{
    size_t begin = 0;
    *quote = 0;
    for (size_t i = 0; line[i]; i++) {
        if (*quote != '\'' && line[i] == '\\' && line[i + 1])
            i++;
        else if (line[i] == *quote)
            *quote = 0;
        else if (!*quote && (line[i] == '\'' || line[i] == '"'))
            *quote = line[i];
        else if (!*quote && strchr(" \t\r", line[i]))
            begin = i + 1;
    }
    return begin;
}

/* The words of a line that was begun.  *copy, of the caller, has them. */
static int split(const char *line, struct ctl_words *words, char **copy, size_t *begin)
{
    char quote;
    size_t len = strlen(line);
    *begin = last_word(line, &quote);
    *copy = cli_need(malloc(len + 2));
    memcpy(*copy, line, len + 1);
    if (quote) {
        (*copy)[len] = quote;
        (*copy)[len + 1] = '\0';
    }
    int count = ctl_split(*copy, words);
    return count < 0 ? 0 : count;
}

/* The files that may take the place of the word. */
static void offer_files(struct ctl_candidates *out, const char *word)
{
    const char *equals = strncmp(word, "--", 2) == 0 ? strchr(word, '=') : NULL;
    const char *path = equals ? equals + 1 : word, *slash = strrchr(path, '/');
    const char *typed = slash ? slash + 1 : path;
    char keep[PATH_MAX], folder[PATH_MAX];
    struct dirent *entry;
    struct stat st;
    snprintf(keep, sizeof(keep), "%.*s", (int)(typed - word), word);
    snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(typed - path) : 1, slash ? path : ".");
    DIR *dir = opendir(folder);
    while (dir && (entry = readdir(dir))) {
        char name[NAME_MAX + 2], shown[CLI_SHOWN_MAX(NAME_MAX + 1)];
        size_t len = strlen(entry->d_name);
        if ((entry->d_name[0] == '.' && typed[0] != '.') || !strcmp(entry->d_name, ".") ||
            !strcmp(entry->d_name, "..") || cli_show(shown, entry->d_name, len) != len)
            continue;
        bool is_folder = !fstatat(dirfd(dir), entry->d_name, &st, 0) && S_ISDIR(st.st_mode);
        snprintf(name, sizeof(name), "%s%s", entry->d_name, is_folder ? "/" : "");
        ctl_offer(out, typed, keep, name, "");
    }
    if (dir)
        closedir(dir);
    ctl_candidates_sort(out);
    if (out->count == 1 && out->item[0].word[strlen(out->item[0].word) - 1] == '/')
        out->begun = true;
}

size_t ctl_line_complete(const struct ctl_command *commands, const char *line,
                         struct ctl_candidates *out, char **word)
{
    struct ctl_words words = {NULL, 0};
    char *copy, empty[1] = "";
    size_t begin;
    int count = split(line, &words, &copy, &begin);
    if (!line[begin]) { /* ctl_split() has left room for one more */
        words.word[count++] = empty;
    }
    ctl_complete(commands, words.word, count, out);
    *word = cli_need(strdup(count ? words.word[count - 1] : ""));
    if (out->files)
        offer_files(out, *word);
    free(words.word);
    free(copy);
    return begin;
}

char *ctl_line_quote(const char *word)
{
    char *quoted = cli_need(malloc(strlen(word) * 4 + 3)), *to = quoted;
    if (word[0] != '#' && !strpbrk(word, " \t\r'\"\\"))
        return strcpy(quoted, word);
    *to++ = '\'';
    for (; *word; word++) {
        if (*word == '\'')
            to = stpcpy(to, "'\\'");
        *to++ = *word;
    }
    strcpy(to, "'");
    return quoted;
}

const char *ctl_line_hint(const struct ctl_command *commands, const char *line)
{
    static char hint[200];
    struct ctl_words words = {NULL, 0};
    char *copy;
    size_t begin;
    int used, count = split(line, &words, &copy, &begin);
    const struct ctl_command *c = ctl_command_of(commands, words.word, count, &used);
    hint[0] = '\0';
    /* The last word may become another command. */
    if (c && (used < count || !line[begin]))
        snprintf(hint, sizeof(hint), "%s%s%s", c->options ? "[OPTION]..." : "",
                 c->options && *c->arguments ? " " : "", c->arguments);
    free(words.word);
    free(copy);
    return hint;
}
