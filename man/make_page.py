"""make_page.py LLMSIM TEMPLATE CONFIGS PAGE: the manual page; its commands and options are those of `llmsim help`, so
that it cannot differ from the program."""
import datetime
import os
import re
import subprocess
import sys

llmsim, template, configs, page = sys.argv[1:]


def escape(text):
    """As mdoc takes it: no escapes, no macro at a line's beginning."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^(['.])", r"\\&\1", text)


def commands():
    """(usage, summary, options) of each, out of the overview."""
    blocks = subprocess.run([llmsim, "help"], capture_output=True, text=True, check=True).stdout.split("\n\n")
    for block in blocks:
        lines = block.split("\n")
        if lines[0].startswith("llmsim ") and len(lines) > 1 and lines[1].startswith("    "):
            yield lines[0], lines[1].strip(), lines[2:]


def sections():
    for usage, summary, options in commands():
        yield f".Ss {escape(usage)}"
        yield escape(summary[0].upper() + summary[1:] + ".")
        if any(options):
            yield ".Bd -literal"
            yield from (escape(line) for line in options if line)
            yield ".Ed"


# The page of a release is the same whenever it is built.
date = datetime.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", os.path.getmtime(template))), datetime.timezone.utc)
text = open(template).read().replace("@DATE@", f"{date:%B} {date.day}, {date.year}")
text = text.replace("@COMMANDS@", "\n".join(sections())).replace("@CONFIGS@", configs)
open(page, "w").write(text)
