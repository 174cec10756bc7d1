import os
import re
import subprocess
from os import environ

try:
    import keyring
except ImportError:
    keyring = None


def get_pass(account, server, passwd_file):
    path = os.path.expanduser("~/.mail/" + passwd_file)
    text = subprocess.check_output(["gpg", "--batch", "-dq", path]).decode("utf-8")
    match = re.search("machine %s login %s password (\\S+)" % (re.escape(server), re.escape(account)), text)
    return match.group(1)


def token():
    return subprocess.check_output(["mutt_oauth2.py", os.path.expanduser("~/.mail/token")]).decode().strip()


def get_token(account):
    return token()
