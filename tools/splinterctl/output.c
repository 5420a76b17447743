/* SPDX-License-Identifier: Apache-2.0 */
/* output.c - what commands print */
#include "config.h"

#include "output.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../cli.h"
#include "../cli_text.h"
#ifdef HAVE_JANSSON
#include "json.h"
#endif

#define CELL_MAX CLI_SHOWN_MAX(PATH_MAX) /* the longest text is a path */

struct cli_out ctl_out;
static bool json, colours;

void ctl_output_init(void)
{
    const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");
    cli_out_init(&ctl_out, STDOUT_FILENO, "standard output");
    colours = ctl_out.terminal && !(no_color && *no_color) && terminal &&
              strcmp(terminal, "dumb") != 0;
}

void ctl_want_json(void)
{
#ifdef HAVE_JANSSON
    json = true;
#else
    cli_die(CLI_FAILURE, "--json: this splinterctl was built without jansson");
#endif
}

bool ctl_set_json(bool wanted)
{
    bool before = json;
    json = wanted;
    return before;
}

bool ctl_json(void)
{
    return json;
}

/* ---- for a person ---- */

void ctl_print_heading(const char *text, size_t len)
{
    if (colours)
        cli_out_put(&ctl_out, "\033[1m", 4);
    cli_out_put(&ctl_out, text, len);
    if (colours)
        cli_out_put(&ctl_out, "\033[0m", 4);
}

static void put_spaces(size_t count)
{
    for (; count; count--)
        cli_out_put(&ctl_out, " ", 1);
}

/* A name of a field, with spaces; cell has room for it. */
static size_t label_of(const struct ctl_field *f, char *cell)
{
    size_t len = strlen(f->name);
    for (size_t i = 0; i < len; i++)
        cell[i] = f->name[i] == '_' ? ' ' : f->name[i];
    return len;
}

static size_t text_of(const struct ctl_field *f, char *cell)
{
    size_t len;
    switch (f->kind) {
    case CTL_TEXT:
        len = strnlen(f->text, PATH_MAX);
        if (ctl_out.terminal)
            return cli_show(cell, f->text, len);
        memcpy(cell, f->text, len);
        return len;
    case CTL_NUMBER:
        return (size_t)snprintf(cell, CELL_MAX, "%" PRIu64, f->number);
    case CTL_SIGNED:
        return (size_t)snprintf(cell, CELL_MAX, "%" PRId64, f->signed_number);
    default:
        cell[0] = '-';
        return 1;
    }
}

/* Characters, of which each takes one column. */
static size_t width_of(const char *text, size_t len)
{
    size_t width = 0;
    for (size_t i = 0; i < len; i++)
        width += ((unsigned char)text[i] & 0xc0) != 0x80;
    return width;
}

static bool is_number(const struct ctl_field *f)
{
    return f->kind == CTL_NUMBER || f->kind == CTL_SIGNED;
}

/* How a column is printed: as wide as its widest cell, and numbers at its right edge. */
struct column {
    size_t width;
    bool right;
};

static void measure(const struct ctl_table *table, struct column *columns, char *cell)
{
    struct ctl_field fields[CTL_COLUMNS_MAX];
    for (size_t i = 0; i < table->rows; i++) {
        table->row(table->arg, i, fields);
        for (size_t c = 0; c < table->columns; c++) {
            size_t width = width_of(cell, text_of(&fields[c], cell));
            size_t label = i ? 0 : strlen(fields[c].name);
            if (width < label)
                width = label;
            if (columns[c].width < width)
                columns[c].width = width;
            columns[c].right |= is_number(&fields[c]);
        }
    }
}

static void print_row(const struct ctl_table *table, const struct ctl_field *fields,
                      const struct column *columns, bool header, char *cell)
{
    for (size_t c = 0; c < table->columns; c++) {
        size_t len = header ? label_of(&fields[c], cell) : text_of(&fields[c], cell);
        size_t width = width_of(cell, len), most = columns[c].width;
        size_t space = width < most ? most - width : 0; /* what it prints may have changed */
        if (c)
            put_spaces(2);
        if (columns[c].right)
            put_spaces(space);
        if (header)
            ctl_print_heading(cell, len);
        else
            cli_out_put(&ctl_out, cell, len);
        if (!columns[c].right && c + 1 < table->columns)
            put_spaces(space);
    }
    cli_out_put(&ctl_out, "\n", 1);
    cli_out_record(&ctl_out);
}

static void print_rows(const struct ctl_table *table)
{
    static char cell[CELL_MAX];
    struct ctl_field fields[CTL_COLUMNS_MAX];
    struct column columns[CTL_COLUMNS_MAX] = {{0, false}};
    measure(table, columns, cell);
    for (size_t i = 0; i < table->rows; i++) {
        table->row(table->arg, i, fields);
        if (!i)
            print_row(table, fields, columns, true, cell);
        print_row(table, fields, columns, false, cell);
    }
}

static void print_lines(const struct ctl_field *fields, size_t count)
{
    static char cell[CELL_MAX];
    size_t width = 0;
    for (size_t i = 0; i < count; i++)
        if (fields[i].kind != CTL_ROWS && strlen(fields[i].name) > width)
            width = strlen(fields[i].name);
    for (size_t i = 0; i < count; i++) {
        if (fields[i].kind == CTL_ROWS)
            continue;
        size_t len = label_of(&fields[i], cell);
        ctl_print_heading(cell, len);
        put_spaces(width + 2 - len);
        cli_out_put(&ctl_out, cell, text_of(&fields[i], cell));
        cli_out_put(&ctl_out, "\n", 1);
        cli_out_record(&ctl_out);
    }
}

/* ---- either way ---- */

void ctl_print_record(const struct ctl_field *fields, size_t count)
{
#ifdef HAVE_JANSSON
    if (json) {
        ctl_json_record(&ctl_out, fields, count);
        return;
    }
#endif
    print_lines(fields, count);
    for (size_t i = 0; i < count; i++)
        if (fields[i].kind == CTL_ROWS && fields[i].table->rows) {
            cli_out_put(&ctl_out, "\n", 1);
            print_rows(fields[i].table);
        }
}

void ctl_print_table(const struct ctl_table *table)
{
#ifdef HAVE_JANSSON
    if (json) {
        struct ctl_field fields[CTL_COLUMNS_MAX];
        for (size_t i = 0; i < table->rows; i++) {
            table->row(table->arg, i, fields);
            ctl_json_record(&ctl_out, fields, table->columns);
        }
        return;
    }
#endif
    print_rows(table);
}
