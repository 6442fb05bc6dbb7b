# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""tunnels-demo FOLDER: a service for tunnels and a device on this machine, for as long as standard input is open.

Writes one line of JSON when it is ready. What the device has is this machine's: a web page, and a shell where sshd is
installed, which lets in a key that is in FOLDER and nowhere else."""

import getpass
import html
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import threading

import gi

gi.require_version('Ist', '1')
gi.require_version('IstEmulator', '1')
from gi.repository import GLib, Ist, IstEmulator  # noqa: E402

THING = 'demo-device'
PAGE = '''<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{thing}</title>
<style>body {{ font: 120% sans-serif; max-width: 30em; margin: 3em auto; padding: 0 1em; color-scheme: light dark }}</style>
<h1>{thing}</h1>
<p>This page came through a tunnel, from a device that opens no port to anybody.</p>
<p>You asked for <code>{path}</code>.</p>
'''


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = PAGE.format(thing=THING, path=html.escape(self.path)).encode()
        self.send_response(200)
        self.send_header('Content-Type', 'text/html; charset=utf-8')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        pass


def serve_page():
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def start_sshd(folder):
    """Its port and its process; None where there is no sshd."""
    sshd = shutil.which('sshd', path=os.environ.get('PATH', '') + ':/usr/sbin:/usr/local/sbin')
    if not sshd or not shutil.which('ssh-keygen'):
        return None, None
    for name in ('host_key', 'user_key'):
        if not (folder / name).exists():
            subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', folder / name], check=True)
    if os.getuid() == 0:
        os.makedirs('/run/sshd', mode=0o755, exist_ok=True)
    with socket.create_server(('127.0.0.1', 0)) as free:
        port = free.getsockname()[1]
    (folder / 'sshd_config').write_text(
        f'ListenAddress 127.0.0.1:{port}\nHostKey "{folder}/host_key"\nAuthorizedKeysFile "{folder}/user_key.pub"\n'
        'PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n'
        'PermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\n')
    key = ' '.join((folder / 'host_key.pub').read_text().split()[:2])
    (folder / 'known_hosts').write_text(f'{THING}.thing {key}\n')
    (folder / 'ssh_config').write_text(
        f'Host *\n  User {getpass.getuser()}\n  IdentityFile "{folder}/user_key"\n  IdentitiesOnly yes\n'
        f'  UserKnownHostsFile "{folder}/known_hosts"\n  StrictHostKeyChecking yes\n')
    log = open(folder / 'sshd.log', 'wb')
    # It must not outlive this process, however that ends.
    with_parent = ['setpriv', '--pdeathsig', 'TERM'] if shutil.which('setpriv') else []
    process = subprocess.Popen([*with_parent, sshd, '-D', '-e', '-f', folder / 'sshd_config'], stdin=subprocess.DEVNULL,
                               stdout=log, stderr=log)
    return port, process


class Device:
    """What the agent of a device does, told by the service itself: it takes each tunnel that it hears of."""

    def __init__(self, service, targets):
        self.service = service
        self.targets = targets
        self.tunnels = {}
        service.connect('notification', self._on_notification)

    def _on_notification(self, service, thing, payload):
        if thing != THING:
            return
        told = json.loads(payload.get_data())
        builder = Ist.SecureTunnelBuilder.new()
        builder.set_access_token(told['clientAccessToken'])
        builder.set_mode(Ist.Mode.DESTINATION)
        builder.set_endpoint(service.get_endpoint())
        builder.set_ca_file(self.ca_file)
        tunnel = builder.build()
        forwarder = Ist.Forwarder.new(tunnel)
        for name in told['services']:
            if name in self.targets:
                forwarder.set_target(name, self.targets[name])
        self.tunnels[tunnel] = forwarder
        tunnel.connect('stopped', lambda tunnel: self.tunnels.pop(tunnel, None))
        tunnel.start()


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    sshd = None
    try:
        port, sshd = start_sshd(folder)
        service = IstEmulator.Service()
        service.add_thing(THING, None)
        service.start()
        ca_file = str(folder / 'ca.pem')
        service.write_ca_file(ca_file)
        targets = {'HTTP': f'127.0.0.1:{serve_page()}'}
        if port:
            targets['SSH'] = f'127.0.0.1:{port}'
        device = Device(service, targets)
        device.ca_file = ca_file
        endpoint = 'http' + service.get_endpoint().removeprefix('ws')
        print(json.dumps({'thing': THING, 'endpoint-url': endpoint, 'ca-file': ca_file,
                          'ssh-config': str(folder / 'ssh_config') if port else ''}), flush=True)
        loop = GLib.MainLoop()
        # Who has started this holds the other end.
        GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, 0, GLib.IOCondition.IN | GLib.IOCondition.HUP,
                              lambda *_: loop.quit())
        for number in (signal.SIGTERM, signal.SIGINT):
            GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, number, loop.quit)
        loop.run()
    finally:
        if sshd:
            sshd.terminate()
            sshd.wait()
    return 0
