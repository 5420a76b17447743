/* SPDX-License-Identifier: Apache-2.0 */
/* candidates.c - words that may come next */
#include "candidates.h"

#include <stdlib.h>
#include <string.h>

#include "../cli.h"
#include "output.h"

void ctl_offer(struct ctl_candidates *out, const char *typed, const char *keep,
               const char *word, const char *about)
{
    size_t kept = strlen(keep), len = strlen(word) + 1;
    if (strncmp(word, typed, strlen(typed)) != 0)
        return;
    if (out->count == out->room) {
        out->room = out->room ? out->room * 2 : 64;
        out->item = cli_need(realloc(out->item, out->room * sizeof(*out->item)));
    }
    char *copy = cli_need(malloc(kept + len));
    memcpy(copy, keep, kept);
    memcpy(copy + kept, word, len);
    out->item[out->count++] = (struct ctl_candidate){copy, about};
}

static int by_word(const void *a, const void *b)
{
    return strcmp(((const struct ctl_candidate *)a)->word, ((const struct ctl_candidate *)b)->word);
}

void ctl_candidates_sort(struct ctl_candidates *out)
{
    if (out->count)
        qsort(out->item, out->count, sizeof(*out->item), by_word);
}

void ctl_candidates_free(struct ctl_candidates *out)
{
    for (size_t i = 0; i < out->count; i++)
        free(out->item[i].word);
    free(out->item);
    *out = (struct ctl_candidates){.item = NULL};
}

size_t ctl_candidates_common(const struct ctl_candidates *candidates)
{
    size_t common = candidates->count ? strlen(candidates->item[0].word) : 0;
    for (size_t i = 1; i < candidates->count; i++)
        for (size_t same = 0; same < common; same++)
            if (candidates->item[i].word[same] != candidates->item[0].word[same])
                common = same;
    return common;
}

void ctl_candidates_shorten(struct ctl_candidates *out, size_t typed)
{
    size_t common = ctl_candidates_common(out);
    while (common && ((unsigned char)out->item[0].word[common] & 0xc0) == 0x80)
        common--; /* no part of a character */
    char *word = cli_need(strndup(out->item[0].word, common));
    ctl_candidates_free(out);
    if (common > typed)
        ctl_offer(out, "", "", word, "");
    out->begun = true;
    free(word);
}

void ctl_candidates_print(const struct ctl_candidates *all)
{
    for (size_t i = 0; i < all->count; i++)
        cli_out_printf(&ctl_out, "%s\t%.*s\n", all->item[i].word,
                       (int)strcspn(all->item[i].about, "\n"), all->item[i].about);
    if (all->files)
        cli_out_printf(&ctl_out, "files\n");
    if (all->programs)
        cli_out_printf(&ctl_out, "programs\n");
    if (all->begun)
        cli_out_printf(&ctl_out, "begun\n");
}
