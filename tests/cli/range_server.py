"""range_server.py DIRECTORY: serves its files over HTTP on a free port of this machine, byte ranges too.

Writes the port to DIRECTORY/port and a line a request, "PATH RANGE", to DIRECTORY/requests. Where FILE.cut is
beside FILE, the connection breaks in the middle of it.
"""
import http.server
import os
import re
import sys

DIRECTORY = sys.argv[1]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = self.headers.get("Range", "all")
        with open(os.path.join(DIRECTORY, "requests"), "a", encoding="utf-8") as log:
            log.write(f"{self.path} {asked}\n")
        path = os.path.join(DIRECTORY, self.path.lstrip("/"))
        if not os.path.isfile(path):
            return self.send_error(404)
        with open(path, "rb") as file:
            data = file.read()
        first = int(re.fullmatch("bytes=([0-9]+)-", asked).group(1)) if asked != "all" else 0
        if first > 0 and first >= len(data):
            return self.send_error(416)
        self.send_response(206 if asked != "all" else 200)
        self.send_header("Content-Length", str(len(data) - first))
        self.end_headers()
        last = len(data) // 2 if os.path.exists(path + ".cut") else len(data)
        self.wfile.write(data[first:last])

    def log_message(self, *arguments):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with open(os.path.join(DIRECTORY, "port.new"), "w", encoding="utf-8") as port_file:
    port_file.write(str(server.server_port))
os.rename(os.path.join(DIRECTORY, "port.new"), os.path.join(DIRECTORY, "port"))
server.serve_forever()
