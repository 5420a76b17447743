# SPDX-License-Identifier: Apache-2.0
"""A watch in a loop of asyncio, over ctypes: `loop.py LIBRARY`.

A thread sets keys while the loop does something else; each is told.
"""
import asyncio
import ctypes as c
import errno
import sys
import threading
import time


class Options(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("flags", c.c_uint32), ("mode", c.c_uint32),
                ("slots", c.c_size_t), ("max_value", c.c_size_t)]


class Event(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("number", c.c_uint64), ("epoch", c.c_uint64),
                ("first", c.c_uint64), ("value_size", c.c_uint64), ("what", c.c_uint32),
                ("flags", c.c_uint32), ("type", c.c_uint32), ("revision", c.c_uint32),
                ("key", c.c_char * 256)]


ANONYMOUS = 0x20
KEY, PREFIX = 1, 2
ROUNDS = 50

lib = c.CDLL(sys.argv[1])
lib.splinter_watch_add_key.argtypes = [c.c_void_p, c.c_char_p, c.c_uint64, c.c_uint64]
lib.splinter_watch_add_prefix.argtypes = [c.c_void_p, c.c_char_p, c.c_uint32, c.c_uint64]
lib.splinter_watch_fd.argtypes = [c.c_void_p]
lib.splinter_watch_next.argtypes = [c.c_void_p, c.POINTER(c.c_uint64), c.POINTER(Event),
                                    c.c_void_p, c.c_size_t]
lib.splinter_watch_close.argtypes = [c.c_void_p]
lib.splinter_watch_close.restype = None
lib.splinter_watch_open.argtypes = [c.POINTER(c.c_void_p), c.c_void_p, c.c_uint32]
lib.splinter_store_open.argtypes = [c.POINTER(c.c_void_p), c.c_char_p, c.POINTER(Options)]
lib.splinter_store_set.argtypes = [c.c_void_p, c.c_char_p, c.c_char_p, c.c_size_t, c.c_void_p,
                                   c.c_void_p]
lib.splinter_store_close.argtypes = [c.c_void_p]
lib.splinter_store_close.restype = None


def must(result, what):
    if result < 0:
        sys.exit(f"# {what}: {errno.errorcode.get(-result, result)}")


def drain(watch, told):
    event, tag = Event(struct_size=c.sizeof(Event)), c.c_uint64()
    while True:
        result = lib.splinter_watch_next(watch, c.byref(tag), c.byref(event), None, 0)
        if result == -errno.EAGAIN:
            return
        must(result, "next")
        told.append((tag.value, event.key.decode(), event.epoch))


def sets(store):
    for i in range(ROUNDS):
        must(lib.splinter_store_set(store, b"key", b"v", 1, None, None), "set")
        must(lib.splinter_store_set(store, f"some/{i}".encode(), b"v", 1, None, None), "set")
        time.sleep(0.002)
    must(lib.splinter_store_set(store, b"key", b"the end", 7, None, None), "set")


async def main():
    options = Options(struct_size=c.sizeof(Options), flags=ANONYMOUS, slots=1000, max_value=100)
    store, watch = c.c_void_p(), c.c_void_p()
    must(lib.splinter_store_open(c.byref(store), b"loop", c.byref(options)), "open")
    must(lib.splinter_watch_open(c.byref(watch), store, 0), "watch")
    must(lib.splinter_watch_add_key(watch, b"key", 0, KEY), "add")
    must(lib.splinter_watch_add_prefix(watch, b"some/", 0, PREFIX), "add")

    told, ticks, calls = [], 0, 0
    every = asyncio.Event()

    def readable():
        nonlocal calls
        calls += 1
        drain(watch, told)
        if sum(tag == PREFIX for tag, _, _ in told) == ROUNDS:
            every.set()

    async def something_else():
        nonlocal ticks
        while True:
            await asyncio.sleep(0.001)
            ticks += 1

    loop = asyncio.get_running_loop()
    loop.add_reader(lib.splinter_watch_fd(watch), readable)
    other = asyncio.create_task(something_else())
    thread = threading.Thread(target=sets, args=(store,))
    thread.start()
    await asyncio.wait_for(every.wait(), 60)
    thread.join()
    for _ in range(600):
        epochs = [epoch for tag, _, epoch in told if tag == KEY]
        before = calls
        await asyncio.sleep(0.1)
        if calls == before:
            break
    loop.remove_reader(lib.splinter_watch_fd(watch))
    other.cancel()
    names = [key for tag, key, _ in told if tag == PREFIX]
    ok = sorted(names) == sorted(f"some/{i}" for i in range(ROUNDS))
    ok = ok and epochs and epochs == sorted(set(epochs)) and ticks > 5
    print(f"# {len(told)} events in {calls} calls, {ticks} ticks of something else")
    lib.splinter_watch_close(watch)
    lib.splinter_store_close(store)
    return 0 if ok else 1


sys.exit(asyncio.run(main()))
