// SPDX-License-Identifier: Apache-2.0
//
// main.cpp - runs each model as the library does it, and without each of its orders
//
//   models          all: TAP; a model has to run clean, and each order left out has to show
//   models MODEL    the same for one
//   models MODEL ORDER...   without these orders, and the run that fails
#include <cstdio>
#include <iostream>
#include <vector>

#include "order.hpp" // has macros of Relacy, such as one for `delete`

struct model {
    const char *name;
    unsigned iterations;
    bool (*run)(rl::test_params &);
    std::vector<const char *> orders;
};
static std::vector<model> models;

// An entry of the list for each model: its name, how often it is run, and the orders it needs.
struct entry {
    entry(const char *name, unsigned iterations, bool (*run)(rl::test_params &),
          std::vector<const char *> orders)
    {
        models.push_back(model{name, iterations, run, orders});
    }
};
#define MODEL(name, iterations, suite, ...) \
    static entry name##_entry(#name, iterations, rl::simulate<suite>, {__VA_ARGS__})

#include "ack.hpp"
#include "feed.hpp"
#include "get.hpp"
#include "hazard.hpp"
#include "insert.hpp"
#include "lock.hpp"
#include "pairs.hpp"
#include "reading.hpp"
#include "sleep.hpp"

static unsigned number, failed;
static unsigned long runs; // of the last model

static bool run(const model &m, std::ostream &out)
{
    rl::test_params p;
    p.iteration_count = m.iterations;
    p.output_stream = p.progress_stream = &out;
    bool clean = m.run(p);
    runs = p.stop_iteration;
    return clean;
}

// Runs the model without that order, or with all if it is "".  The seeds are those of Relacy: the
// number of the run.  A clean model has to stay so for all of them.
static void one(const model &m, const char *missing, bool show)
{
    left_out = missing;
    // No stream that allocates: while a model runs, Relacy has its own operator new.
    static std::ostream nowhere(NULL);
    bool clean = run(m, nowhere), good = clean == !*missing;
    if (!good || show)
        run(m, std::cout);
    failed += !good;
    std::printf("%s %u - %s%s%s (%s%lu%s)\n", good ? "ok" : "not ok", ++number, m.name,
                *missing ? ", without " : "", missing, clean ? "" : "run ", runs,
                clean ? " runs" : "");
    std::fflush(stdout);
}

int main(int argc, char **argv)
{
    for (const model &m : models) {
        if (argc > 1 && std::strcmp(m.name, argv[1]))
            continue;
        if (argc > 2) {
            for (int i = 2; i < argc; i++)
                one(m, argv[i], true);
            continue;
        }
        one(m, "", false);
        for (const char *missing : m.orders)
            one(m, missing, false);
    }
    std::printf("1..%u\n", number);
    return failed || !number;
}
