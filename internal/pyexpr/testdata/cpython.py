"""Answers what CPython says: reads [[source, [[argument, ...], ...] or null], ...]
as JSON, and writes for each the answers of its calls, or of its value alone."""
import json, os, re, signal, struct, sys, warnings

warnings.simplefilter("ignore")


def cmp(a, b):
    return (a > b) - (a < b)


SPACE = {"re": re, "os": os, "environ": os.environ, "cmp": cmp, "unicode": str}


def enc(v):
    if v is None or isinstance(v, bool):
        return str(v)
    if isinstance(v, int):
        return str(int(v)) if type(v) is int and -(2**63) <= v < 2**63 else "other"
    if isinstance(v, float):
        return "f" + struct.pack(">d", v).hex()
    if isinstance(v, str):
        return json.dumps(v)
    if isinstance(v, bytes):
        return "b" + json.dumps(v.decode("latin-1"))
    if isinstance(v, tuple):
        return "(" + ",".join(map(enc, v)) + ")"
    if isinstance(v, (set, frozenset)) and len(v) > 1:
        return "{" + ",".join(sorted(map(enc, v))) + "}"
    if isinstance(v, dict):
        return "dict[" + ",".join(enc(k) + ":" + enc(x) for k, x in v.items()) + "]"
    if isinstance(v, (list, range, set)) or hasattr(v, "__next__") or type(v).__name__.startswith("dict_"):
        return "[" + ",".join(map(enc, v)) + "]"
    if callable(v):
        return "function"
    if isinstance(v, re.Match):
        return "True"
    return "other"


class Slow(BaseException):
    """What CPython does not answer soon is not compared."""


def slow(*_):
    raise Slow


signal.signal(signal.SIGALRM, slow)


def answer(f):
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        try:
            return enc(f())
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except RecursionError:
        return "!RecursionError"
    except SyntaxError:
        return "!SyntaxError"
    except re.error:
        return "!re.error"
    except BaseException as e:
        return "!" + type(e).__name__


def decode(a):
    if isinstance(a, list):
        return tuple(map(decode, a))
    return a


stdout, sys.stdout = sys.stdout, sys.stderr
out = []
for src, calls in json.load(sys.stdin):
    value = []

    def load():
        value.append(eval(src, dict(SPACE)))
        return value[0] if calls is None else None

    a = answer(load)
    if calls is None or not value:
        out.append([a] * (1 if calls is None else len(calls)))
    else:
        out.append([answer(lambda: value[0](*map(decode, args))) for args in calls])
json.dump(out, stdout)
