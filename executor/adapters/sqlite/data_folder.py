"""The data folder: private to its owner, and on a disk of this machine.

File locks and SQLite's shared memory hold on one machine only.  On a network file
system two machines could both believe that they execute, or ruin the database; so a
folder on one is refused before anything is written.

:func:`network_file_system` is pure; it judges the text of ``/proc/self/mountinfo``,
whose form is described in proc(5).
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import Final

from executor.domain.errors import ConfigError, Fault

#: The database's name in the data folder.
DATABASE: Final = "solocron.db"

#: Where Linux lists what is mounted where, as this process sees it.
MOUNTS: Final = Path("/proc/self/mountinfo")

#: File systems whose other users may be on other machines, by their names in the list of mounts.
_NETWORK: Final = frozenset(
    {
        *("9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "gfs2", "glusterfs", "gpfs"),
        *("lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "pvfs2", "smb2", "smb3"),
        *("smbfs", "vboxsf", "vmhgfs", "prl_fs"),
    }
)

#: The same for those in user space, which show as ``fuse.<name>``.
_NETWORK_FUSE: Final = frozenset(
    {
        *("ceph-fuse", "davfs2", "gcsfuse", "glusterfs", "goofys", "grpcfuse", "juicefs", "mfs"),
        *("mount.davfs", "osxfs", "rclone", "s3fs", "sshfs", "vmhgfs-fuse", "blobfuse"),
        *("blobfuse2", "beegfs", "moosefs", "seaweedfs", "smbnetfs", "curlftpfs", "mountpoint-s3"),
    }
)


def prepare_folder(folder: Path, mounts: Path = MOUNTS) -> None:
    """Create *folder* for its owner alone, unless it exists.

    Args:
        folder: The data folder.
        mounts: The list of mounts; where there is none, nothing is known of file systems.

    Raises:
        ConfigError: it lies on a network file system, or cannot be created or written to.
    """
    try:
        kind = network_file_system(folder.resolve(), _text(mounts))
        if kind is None:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError(f"{folder} may not be read and written by this user")
            return
    except OSError as error:
        raise ConfigError([_fault(folder, f"cannot be used: {error}")]) from error
    raise ConfigError(
        [
            _fault(
                folder,
                f"lies on a network file system ({kind}), where file locks do not keep two "
                "machines apart; choose a folder on a local disk, or set RABBITMQ_URL and "
                "MONGODB_URI",
            )
        ]
    )


def _fault(folder: Path, message: str) -> Fault:
    return Fault("SOLOCRON_DATA", f"the data folder {folder} {message}")


def _text(mounts: Path) -> str:
    try:
        return mounts.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return ""


def network_file_system(path: Path, mountinfo: str) -> str | None:
    """Return the type of the network file system that *path* lies on, None if it is a local one.

    Args:
        path: Absolute and without symbolic links; it need not exist.
        mountinfo: The text of ``/proc/self/mountinfo``; nothing is known from an empty one.

    >>> mounts = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\\n40 22 0:45 / /srv rw - nfs4 nas:/ rw"
    >>> network_file_system(Path("/srv/data"), mounts)
    'nfs4'
    """
    kind, depth = "", -1
    for line in mountinfo.splitlines():
        before, separator, after = line.partition(" - ")
        fields = before.split(" ")
        if not separator or len(fields) < 5:
            continue
        mount_point = PurePosixPath(_unescaped(fields[4]))
        # A later mount on the same point hides the earlier one.
        if path.is_relative_to(mount_point) and len(mount_point.parts) >= depth:
            kind, depth = after.split(" ", 1)[0], len(mount_point.parts)
    is_network = kind in _NETWORK or (kind[:5] == "fuse." and kind[5:] in _NETWORK_FUSE)
    return kind if is_network else None


def _unescaped(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda digits: chr(int(digits[1], 8)), field)
