import netrc
import os
import subprocess


def get_password(host, user):
    login = netrc.netrc(os.path.expanduser("~/.netrc")).authenticators(host)
    return login[2] if login and login[0] == user else None


def get_pass(account, command):
    return subprocess.check_output(command).decode("utf-8").strip()
