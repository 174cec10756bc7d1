#! /usr/bin/env python
# -*- coding: utf-8 -*-
import codecs
import re
from subprocess import check_output

priority = ["INBOX", "Work", "Lists"]
mapping = {"[Gmail]/Drafts": "drafts", "[Gmail]/Sent Mail": "sent"}
inverted = {v: k for k, v in mapping.items()}


def cmp(a, b):
    return (a > b) - (a < b)


def get_pass(tries, command):
    return check_output(command).splitlines()[0]


def get_authinfo(machine, port):
    text = check_output("gpg -q --no-tty -d ~/.authinfo.gpg", shell=True).decode()
    found = re.search(r"machine %s login (\S+) port %d password (\S+)" % (re.escape(machine), port), text)
    return {"login": found.group(1), "password": found.group(2)}


def get_credentials(name):
    fields = check_output(["pass", "show", "mail/" + name]).decode().split()
    return fields[0], fields[1], "imap.example.net"


def oimaptransfolder_acc1(foldername):
    return mapping.get(foldername, foldername)


def nt_local(foldername):
    return inverted.get(foldername, foldername)


def gmail_folderfilter(foldername):
    try:
        return not foldername.startswith("[Gmail]/") or foldername in mapping
    except AttributeError:
        return False


def exclude(names):
    def allowed(foldername):
        for name in names:
            if foldername == name:
                return False
        return True
    return allowed


def mycmp(x, y):
    for prefix in priority:
        xsw, ysw = x.startswith(prefix), y.startswith(prefix)
        if xsw and ysw:
            return cmp(x, y)
        if xsw:
            return -1
        if ysw:
            return 1
    return cmp(x, y)


lld_cmp = mycmp


def convert_utf7_to_utf8(name):
    out, i = "", 0
    while i < len(name):
        if name[i] == "&" and "-" in name[i:]:
            end = name.index("-", i)
            out += codecs.decode(("+" + name[i + 1:end].replace(",", "/") + "-").encode("ascii"), "utf-7") if end > i + 1 else "&"
            i = end + 1
        else:
            out, i = out + name[i], i + 1
    return out
