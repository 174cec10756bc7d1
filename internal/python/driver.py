# The child's side of internal/python. Requests come from file 3, answers go to
# file 4: each is JSON after its length in four octets, an answer also after a "+"
# that says that work on it has begun. Standard input and output belong to the
# user's code. "f" is file 3, opened by who ran this.
import base64
import faulthandler
import json
import os
import queue
import re
import resource
import signal
import struct
import sys
import threading
import types
import warnings
from collections import OrderedDict
from collections.abc import Mapping

LARGEST = 16 << 20  # octets of an answer
MEMORY = 1 << 30    # octets of data, of this process and of each that it starts
DEEPEST = 64        # levels of a value
SOURCES = 1024      # expressions whose functions are kept

hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
if hard == resource.RLIM_INFINITY or hard > MEMORY:
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, hard))

pid = os.getpid()
busy = False
todo = queue.SimpleQueue()
sources = OrderedDict()  # source: the functions in its value, in order
module = types.ModuleType("<none>")
null = open(os.devnull, "w")


def cmp(a, b):
    return (a > b) - (a < b)


# Names that expressions have although nobody defined them: some were written for
# Python 2. What the user's file defines comes first.
given = {"re": re, "os": os, "environ": os.environ, "cmp": cmp, "unicode": str, "basestring": str, "long": int, "xrange": range}


class Encoder:
    """Turns a value into JSON with tags; calls collects the functions in it."""

    def __init__(self, calls):
        self.calls = calls
        self.left = LARGEST

    def spend(self, n):
        self.left -= n
        if self.left < 0:
            raise OverflowError("the value is larger than %d MiB" % (LARGEST >> 20))

    def items(self, values, depth):
        return [self.encode(v, depth + 1) for v in values]

    def encode(self, v, depth=0):
        if depth > DEEPEST:
            raise OverflowError("the value is nested too deeply")
        self.spend(16)
        if v is None or isinstance(v, bool):
            return v
        if isinstance(v, int):
            if not -(1 << 63) <= v < 1 << 63:
                raise OverflowError("the number is too large")
            return int(v)
        if isinstance(v, float):
            return ["f", repr(float(v))]
        if isinstance(v, str):
            self.spend(len(v))
            try:
                v.encode("utf-8")
                return str(v)
            except UnicodeEncodeError:
                return ["s", text64(v.encode("utf-8", "surrogateescape"))]
        if isinstance(v, (bytes, bytearray, memoryview)):
            self.spend(len(v))
            return ["b", text64(bytes(v))]
        if isinstance(v, tuple):
            return ["t", self.items(v, depth)]
        if isinstance(v, Mapping):
            return ["d", [self.items(i, depth) for i in v.items()]]
        if callable(v):
            if self.calls is None:
                raise TypeError("a function gave another function")
            self.calls.append(v)
            return ["c", len(self.calls) - 1]
        if hasattr(v, "__iter__"):
            return ["l", self.items(v, depth)]
        # A match, say: nothing but whether it is true can be of use.
        return bool(v)


def text64(b):
    return base64.b64encode(b).decode("ascii")


def decode(v):
    if not isinstance(v, list):
        return v
    tag, x = v
    if tag == "f":
        return float(x)
    if tag == "s":
        return base64.b64decode(x).decode("utf-8", "surrogateescape")
    if tag == "b":
        return base64.b64decode(x)
    if tag == "l":
        return [decode(i) for i in x]
    if tag == "t":
        return tuple(decode(i) for i in x)
    return {decode(k): decode(i) for k, i in x}


def load(q):
    """Runs the user's file, as the module that expressions take names from."""
    module.__file__ = q["file"]
    sys.modules[module.__name__] = module
    with open(q["file"], "rb") as src:
        code = compile(src.read(), q["file"], "exec", dont_inherit=True)
    exec(code, vars(module))


def evaluate(q):
    src, calls = q["src"], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # '\.' has been good for decades
        code = compile(src.strip(), "<expression>", "eval", dont_inherit=True)
    v = Encoder(calls).encode(eval(code, {**given, **vars(module)}))
    sources.pop(src, None)
    if calls:
        sources[src] = calls
        if len(sources) > SOURCES:
            sources.popitem(last=False)
    return v


def call(q):
    """Calls a function; one that is not here belonged to an earlier child."""
    if q["src"] not in sources:
        evaluate(q)
    calls = sources.get(q["src"], ())
    if q["n"] >= len(calls):
        raise TypeError("the expression gives no function any more")
    return Encoder(None).encode(calls[q["n"]](*[decode(a) for a in q["args"]]))


def fault(e):
    """Says what was raised, and in which line of the user's file."""
    line, tb, path = 0, e.__traceback__, getattr(module, "__file__", None)
    while tb is not None:
        if tb.tb_frame.f_code.co_filename == path:
            line = tb.tb_lineno
        tb = tb.tb_next
    try:
        text = str(e)
        if isinstance(e, SyntaxError):
            text = e.msg
            if e.filename == path:
                line = e.lineno
    except BaseException:
        text = "no text"
    return {"kind": type(e).__name__, "text": " ".join(text.split())[:500], "line": line or 0}


def reader():
    while True:
        head = f.read(4)
        body = f.read(struct.unpack(">I", head)[0]) if len(head) == 4 else b""
        if not body:
            break
        todo.put(body)
    # Nobody waits for an answer any more. What a request in progress has started
    # ends with it; what earlier ones left behind was meant to stay.
    if busy and os.getpgrp() == pid:
        os.killpg(pid, signal.SIGKILL)
    os._exit(0)


def answer(body):
    q = json.loads(body)
    # For code that keeps the interpreter for itself, so that no reader runs.
    faulthandler.dump_traceback_later(q["limit"], exit=True, file=null)
    try:
        a = {"value": {"load": load, "eval": evaluate, "call": call}[q["op"]](q)}
    except BaseException as e:
        a = fault(e)
    if os.getpid() != pid:
        os._exit(0)  # a child that the user's code forked, and that came back
    faulthandler.cancel_dump_traceback_later()
    data = json.dumps(a).encode("ascii")
    if len(data) > LARGEST:
        data = json.dumps({"kind": "OverflowError", "text": "the value is too large"}).encode("ascii")
    return struct.pack(">I", len(data)) + data


def main():
    global busy
    os.set_inheritable(3, False)
    os.set_inheritable(4, False)
    # Not ignored, which its own children would inherit.
    signal.signal(signal.SIGINT, lambda *_: None)
    out = open(4, "wb", buffering=0)
    threading.Thread(target=reader, daemon=True).start()
    while True:
        body = todo.get()
        busy = True
        out.write(b"+")  # from here on, the request must not be repeated
        data = memoryview(answer(body))
        busy = False
        while data:
            data = data[out.write(data):]


main()
