"""Says what OfflineIMAP reads in a configuration, with its own reader and evaluator.

Reads a JSON list of {file, section, option, type}, and writes for each {value, is}: the value as configparser gives it,
null for an error, and what the option then is: a value, {"error": class}, or {"function": what it gives for some arguments}.
Needs Debian's offlineimap3, and the python3 that it is installed for."""
import json, os, re, sys

sys.path.insert(0, "/usr/share/offlineimap3")
from offlineimap.CustomConfig import CustomConfigParser
from offlineimap.localeval import LocalEval

folders = ["INBOX", "INBOX.Sent", "INBOX..x", "Sent", "Sent Mail", "Trash", "Deleted Items", "Del", "Received", "debian.user", ""]
arguments = {
    "foldersort": [["a", "b"], ["b", "a"], ["a", "a"]],
    "sort_keyfunc": [[{"accountname": "A", "foldername": "INBOX", "localfolders": "/m"}]],
    "newmail_hook": [],
}
with_re = {"nametrans", "folderfilter", "folderincludes", "foldersort", "sort_keyfunc"}


def plain(value):
    if isinstance(value, (tuple, list, range)):
        return [plain(v) for v in value]
    return value if isinstance(value, (str, int, float, dict, type(None))) else bool(value)


def attempt(f, *args):
    try:
        return f(*args)
    except Exception as e:
        return {"error": type(e).__name__}


def evaluated(option, text):
    value = LocalEval(None).eval(text, {"re": re} if option in with_re else None)
    if not callable(value):
        return plain(value)
    calls = arguments.get(option, [[name] for name in folders])
    return {"function": [attempt(lambda: plain(value(*args))) for args in calls]}


def read(conf, section, option, kind):
    if kind == "yes or no":
        return conf.getboolean(section, option)
    if kind == "number":
        return conf.getint(section, option)
    if kind == "minutes":
        return conf.getfloat(section, option)
    if kind == "list":
        return conf.getlist(section, option, r"\s*,\s*")
    text = conf.get(section, option, raw=option == "peritem")
    if kind == "path":
        return conf.apply_xforms(text, [os.path.expanduser, os.path.expandvars])
    if kind == "Python":
        return evaluated(option, text)
    return text


answers = []
for question in json.load(sys.stdin):
    conf = CustomConfigParser()
    conf.read_string(question["file"])
    section, option = question["section"], question["option"]
    value = attempt(lambda: conf.get(section, option, raw=option == "peritem"))
    answers.append({"value": value if isinstance(value, str) else None, "is": attempt(read, conf, section, option, question["type"])})
json.dump(answers, sys.stdout)
