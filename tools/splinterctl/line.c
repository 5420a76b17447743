/* SPDX-License-Identifier: Apache-2.0 */
/* line.c - what happens, one line each, as it happens */
#include "line.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../cli.h"
#include "../cli_text.h"
#include "value.h"

#define TERMINAL_MOST 256 /* bytes of a value that a terminal gets */

static void put_spaces(int count)
{
    for (; count > 0; count--)
        cli_out_put(&ctl_out, " ", 1);
}

static bool is_control(unsigned char c)
{
    return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
}

static bool is_text(const unsigned char *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (is_control(p[i]))
            return false;
    return cli_is_utf8(p, len);
}

static void put_hex(const unsigned char *p, size_t len)
{
    cli_out_put(&ctl_out, "0x", 2);
    for (size_t i = 0; i < len; i++)
        cli_out_printf(&ctl_out, "%02x", p[i]);
}

/* A part of a character at its end is no reason to call a value no text. */
static size_t cut(const unsigned char *p, size_t size)
{
    size_t len = TERMINAL_MOST;
    if (!ctl_out.terminal || size <= len)
        return size;
    while (len > TERMINAL_MOST - 4 && (p[len] & 0xc0) == 0x80)
        len--;
    return len;
}

static void put_bytes(const void *bytes, size_t size)
{
    size_t len = cut(bytes, size);
    if (is_text(bytes, len)) {
        char *shown = cli_need(malloc(CLI_SHOWN_MAX(len) + 1));
        cli_out_put(&ctl_out, shown, cli_show(shown, bytes, len));
        free(shown);
    } else {
        put_hex(bytes, len);
    }
    if (len < size)
        cli_out_put(&ctl_out, "...", 3);
}

static void put_cell(const struct ctl_cell *cell, bool last)
{
    char text[CLI_SHOWN_MAX(SPLINTER_KEY_MAX) + 1] = "-";
    const struct ctl_field *f = &cell->field;
    int len = 1;
    switch (f->kind) {
    case CTL_NUMBER:
        len = snprintf(text, sizeof(text), "%" PRIu64, f->number);
        break;
    case CTL_SIGNED:
        len = snprintf(text, sizeof(text), "%" PRId64, f->signed_number);
        break;
    case CTL_TEXT:
        len = (int)cli_show(text, f->text, strnlen(f->text, SPLINTER_KEY_MAX));
        break;
    case CTL_VALUE:
        put_bytes(f->bytes, f->size);
        return;
    default:
        break;
    }
    if (cell->right)
        put_spaces(cell->width - len);
    cli_out_put(&ctl_out, text, (size_t)len);
    if (!cell->right && !last)
        put_spaces(cell->width - len);
}

static void print_for_a_person(const struct ctl_cell *cells, size_t count)
{
    size_t last = count;
    while (last && cells[last - 1].width < 0)
        last--;
    for (size_t i = 0; i < last; i++) {
        if (cells[i].width < 0)
            continue;
        put_cell(&cells[i], i + 1 == last);
        if (i + 1 < last)
            put_spaces(2);
    }
    cli_out_put(&ctl_out, "\n", 1);
    cli_out_record(&ctl_out);
}

#define CELLS_MAX 16

void ctl_print_line(const struct ctl_cell *cells, size_t count)
{
    struct ctl_field fields[CELLS_MAX];
    size_t n = 0;
    if (!ctl_json()) {
        print_for_a_person(cells, count);
        return;
    }
    for (size_t i = 0; i < count && i < CELLS_MAX; i++)
        if (cells[i].field.name)
            fields[n++] = cells[i].field;
    ctl_print_record(fields, n);
}

void ctl_value_cells(struct ctl_cell *cells, const void *bytes, size_t size, uint32_t type)
{
    struct cli_value value = {.buf = (unsigned char *)(uintptr_t)bytes, .size = size};
    const struct ctl_field as_bytes = {
        .name = "value", .kind = CTL_VALUE, .bytes = bytes, .size = size};
    struct ctl_field as_number = {.name = "int64", .kind = CTL_SIGNED};
    value.meta.type = type;
    cells[0] = (struct ctl_cell){as_bytes, 0, false};
    cells[1] = ctl_json_only((struct ctl_field){.name = NULL});
    if (!bytes) {
        cells[0].field = ctl_none("value");
    } else if (cli_value_number(&value, &as_number.signed_number)) {
        cells[0].width = -1;
        cells[1] = (struct ctl_cell){as_number, 0, false};
    }
}
