"""Reads a JSON list of files (octets as latin-1) and writes what configparser says of each."""
import configparser, io, json, sys


def back(text):
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def judge(octets):
    parser = configparser.ConfigParser()
    file = io.TextIOWrapper(io.BytesIO(octets), encoding="utf-8", errors="surrogateescape")
    try:
        parser.read_file(file, "f")
    except configparser.ParsingError as e:
        if hasattr(e, "errors") and e.errors:
            return {"error": type(e).__name__, "lines": [n for n, _ in e.errors]}
        return {"error": type(e).__name__, "lines": [e.lineno]}
    except configparser.Error as e:
        return {"error": type(e).__name__, "lines": [e.lineno]}
    sections = []
    for name in ["DEFAULT"] + parser.sections():
        options = parser.defaults() if name == "DEFAULT" else parser.options(name)
        values = {}
        for option in options:
            value = {"raw": back(parser.get(name, option, raw=True))}
            try:
                value["value"] = back(parser.get(name, option))
            except configparser.Error as e:
                value["error"] = type(e).__name__
            values[back(option)] = value
        sections.append({"name": back(name), "options": values})
    return {"sections": sections}


json.dump([judge(s.encode("latin-1")) for s in json.load(sys.stdin)], sys.stdout, indent=1, sort_keys=True)
