# SPDX-FileCopyrightText: 2026 The libist authors
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Profiles in the AWS tools' files, of which this adds and takes away its own, and leaves all others as they are."""

import configparser
import os
import pathlib
import re
import shlex
import tempfile
from gettext import gettext as _

import gi
import tunnels
from gi.repository import GLib

from . import flatpak

# Every program that knows the AWS tools' files asks this for keys that are in the keyring.
HELPER = 'tunnels-credentials'
KEY_ATTRIBUTE = 'aws-profile'
NAME = re.compile(r'[A-Za-z0-9_.@:+-]+')


def _path(variable, name):
    return pathlib.Path(os.environ.get(variable) or os.path.expanduser(f'~/.aws/{name}'))


def config_path():
    return _path('AWS_CONFIG_FILE', 'config')


def _words(section):
    """As the AWS tools take a section's name apart."""
    try:
        return shlex.split(section)
    except ValueError:
        return [section]


def _sections(path):
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read(path, encoding='utf-8')
    except (OSError, UnicodeError, configparser.Error) as error:
        # What is in it is not known, so nothing may be added to it.
        reason = str(error).partition('\n')[0]
        raise ValueError(_('{file} can’t be read: {reason}').format(file=path, reason=reason)) from error
    return [_words(section) for section in parser.sections()]


def exists(profile):
    """Raises ValueError where that can't be told."""
    config = _sections(config_path())
    return (['profile', profile] in config or profile == 'default' and ['default'] in config
            or [profile] in _sections(_path('AWS_SHARED_CREDENTIALS_FILE', 'credentials')))


def is_own(profile):
    """Whether it was made here, and may be changed."""
    try:
        return _find(_read(), profile) is not None
    except (OSError, UnicodeError):
        return False


def _marks(profile):
    return f'# Tunnels: {profile}\n', f'# Tunnels: end of {profile}\n'


def _find(text, profile):
    """What stands between the marks, with them; an editor may have changed the ends of lines. What somebody has added
    there is not ours."""
    begin, end = ('^' + re.escape(mark.rstrip('\n')) + '\r?(?:\n|$)' for mark in _marks(profile))
    return next((found for found in re.finditer(f'{begin}(?:(?!{begin}).)*?{end}', text, re.DOTALL | re.MULTILINE)
                 if len(re.findall(r'^\s*\[', found[0], re.MULTILINE)) == 1), None)


def _read():
    try:
        with open(config_path(), encoding='utf-8', newline='') as file:
            return file.read()
    except FileNotFoundError:
        return ''


def _write(text):
    """All of it or nothing; for nobody else to read."""
    # It may be a link into a folder of such files.
    path = config_path().resolve()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    handle, name = tempfile.mkstemp(dir=path.parent, prefix='.config-')
    try:
        with open(handle, 'w', encoding='utf-8', newline='') as file:
            file.write(text)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _without(text, profile):
    found = _find(text, profile)
    return text[:found.start()] + text[found.end():] if found else text


def add(profile, values):
    """Takes the place of one of that name that was made here. May raise OSError, UnicodeError, ValueError."""
    if not NAME.fullmatch(profile):
        raise ValueError(_('A profile’s name has letters, digits and .-_@:+ only.'))
    for value in values.values():
        if any(character < ' ' for character in value):
            raise ValueError(_('A value has a character in it that can’t be written into a file.'))
    begin, end = _marks(profile)
    text = _without(_read(), profile)
    if text and not text.endswith('\n'):
        text += '\n'
    lines = ''.join(f'{name} = {value}\n' for name, value in values.items() if value)
    _write(f'{text}{begin}[profile {profile}]\n{lines}{end}')


def remove(profile):
    """One that was made here. May raise OSError, UnicodeError."""
    text = _read()
    if (rest := _without(text, profile)) != text:
        _write(rest)


def schema():
    """Of the keyring; None where libsecret is not installed."""
    try:
        gi.require_version('Secret', '1')
        from gi.repository import Secret
    except (ImportError, ValueError):
        return None, None
    return Secret, Secret.Schema.new('io.github.libist.Tunnels.Keys', Secret.SchemaFlags.NONE,
                                     {KEY_ATTRIBUTE: Secret.SchemaAttributeType.STRING})


def store_keys(profile, region, key_id, secret, cancellable, done):
    """done(None, or what went wrong), unless it is cancelled: keys into the keyring, and a profile that finds them
    there. Or neither, but for those of before."""
    library, kind = schema()
    if not library:
        done(_('There is no libsecret here, without which nothing can go into the keyring.'))
        return
    if not NAME.fullmatch(profile):
        done(_('A profile’s name has letters, digits and .-_@:+ only.'))
        return

    def on_stored(_source, result):
        problem = None
        try:
            library.password_store_finish(result)
            if not cancellable.is_cancelled():
                add(profile, {'region': region, 'credential_process': helper(profile)})
        except GLib.Error as error:
            problem = _('The keyring did not take the keys: %s') % error.message
        except (OSError, UnicodeError, ValueError) as error:
            problem = str(error)
        def end(_problem):
            if not cancellable.is_cancelled():
                done(problem)
        if (problem or cancellable.is_cancelled()) and not is_own(profile):
            # Nothing leads to what may be in the keyring by now.
            _clear(library, kind, profile, end)
        else:
            end(None)
    library.password_store(kind, {KEY_ATTRIBUTE: profile}, library.COLLECTION_DEFAULT,
                           _('Keys of AWS for “%s”') % profile, f'{key_id}\n{secret}', cancellable, on_stored)


def _clear(library, kind, profile, done):
    def on_cleared(_source, result):
        try:
            library.password_clear_finish(result)
        except GLib.Error as error:
            done(_('The keys may still be in the keyring: %s') % error.message)
        else:
            done(None)
    library.password_clear(kind, {KEY_ATTRIBUTE: profile}, None, on_cleared)


def forget_keys(profile, done):
    """done(None, or what is left of them): those that store_keys() has stored, if it has, and their profile."""
    own = is_own(profile)
    try:
        # Nothing in the AWS tools' files leads to them any more, whatever the keyring does.
        remove(profile)
        leads = not own and exists(profile)
    except (OSError, UnicodeError, ValueError) as error:
        done(str(error) if own else None)
        return
    library, kind = schema()
    if library and profile and not leads:
        # Somebody may have taken the profile away by hand. Then it is no fault that there is no keyring.
        _clear(library, kind, profile, lambda problem: done(problem if own else None))
    else:
        done(None)


def helper(profile):
    """The command. Of a Flatpak, one that it understands and everybody else does, too: they read the same file."""
    program = os.path.join(tunnels.LIBEXECDIR, HELPER)
    if not flatpak.INSIDE:
        return f'{program} {profile}'
    outside = ' '.join(flatpak.from_outside(program))
    return f'sh -c "test -e /.flatpak-info && exec {program} {profile}; exec {outside} {profile}"'
