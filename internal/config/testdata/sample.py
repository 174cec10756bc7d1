"""Reads a JSON list of {file, section, option} and writes what configparser gives for each: a value, or null for an error."""
import configparser, json, sys

answers = []
for question in json.load(sys.stdin):
    parser = configparser.ConfigParser()
    parser.read_string(question["file"])
    try:
        answers.append(parser.get(question["section"], question["option"], raw=question["option"] == "peritem"))
    except configparser.InterpolationError:
        answers.append(None)
json.dump(answers, sys.stdout)
