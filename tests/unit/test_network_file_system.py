"""The data folder is refused on file systems that several machines share."""

import os
from pathlib import Path

import pytest

from executor.adapters.sqlite.data_folder import network_file_system, prepare_folder
from executor.domain.errors import ConfigError

#: What a machine with a bit of everything shows; the form is that of proc(5).
MOUNTS = """\
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/root rw
23 22 0:5 / /proc rw,nosuid - proc proc rw
40 22 0:45 / /mnt/nas rw,relatime shared:20 - nfs4 nas:/export rw,vers=4.2
41 22 0:46 / /mnt/share rw,relatime - cifs //server/share rw
42 22 0:47 / /mnt/ssh rw,nosuid,nodev - fuse.sshfs me@host:/ rw,user_id=1000
43 22 0:48 / /mnt/ntfs rw,relatime shared:9 master:3 - fuseblk /dev/sdb1 rw
44 40 8:17 / /mnt/nas/local rw,relatime - xfs /dev/sdc1 rw
45 22 0:50 / /mnt/my\\040cloud\\134x rw - fuse.rclone remote: rw
46 22 8:33 / /mnt/over rw - ext4 /dev/sdd1 rw
47 46 0:51 / /mnt/over rw - nfs nas:/over rw
48 22 0:52 / /mnt/under rw - 9p host rw
49 48 8:34 / /mnt/under rw - ext4 /dev/sde1 rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/mnt/nas", "nfs4"),
        ("/mnt/nas/deep/er/data", "nfs4"),
        ("/mnt/share/data", "cifs"),
        ("/mnt/ssh/data", "fuse.sshfs"),
        ("/mnt/my cloud\\x/data", "fuse.rclone"),
        ("/mnt/over/data", "nfs"),
    ],
)
def test_a_network_file_system_is_recognised(path: str, kind: str) -> None:
    """By the innermost mount above the folder, and the latest one on the same point."""
    assert network_file_system(Path(path), MOUNTS) == kind


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/srv/data",
        "/mnt",
        "/mnt/nasty",
        "/mnt/ntfs/data",
        "/mnt/nas/local/data",
        "/mnt/under/data",
    ],
)
def test_a_local_file_system_is_not(path: str) -> None:
    """Not even beside, above, inside or on top of one that is shared."""
    assert network_file_system(Path(path), MOUNTS) is None


@pytest.mark.parametrize("mounts", ["", "\n", "nonsense\n", "1 2 3 - nfs\n", "22 1 8:1 / /\n"])
def test_where_the_list_of_mounts_tells_nothing_nothing_is_refused(mounts: str) -> None:
    """A system without that list, or with lines of another form."""
    assert network_file_system(Path("/data"), mounts) is None


def test_a_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    """With those above it, and as often as wanted."""
    folder = tmp_path / "a" / "data"

    for _ in range(2):
        prepare_folder(folder)

    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_made_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    """The message names the setting, the folder and what is wrong."""
    (tmp_path / "file").touch()

    with pytest.raises(ConfigError) as caught:
        prepare_folder(tmp_path / "file" / "data")

    (fault,) = caught.value.faults
    assert fault.field == "SOLOCRON_DATA"
    assert str(tmp_path / "file" / "data") in fault.message
    assert os.strerror(20) in fault.message


def test_a_refusal_says_what_to_do(tmp_path: Path) -> None:
    """The setting, the kind of file system, and both ways out."""
    mounts = tmp_path / "mounts"
    mounts.write_text("22 1 0:45 / / rw - nfs4 nas:/ rw\n")

    with pytest.raises(ConfigError) as caught:
        prepare_folder(tmp_path / "data", mounts)

    (fault,) = caught.value.faults
    assert fault.field == "SOLOCRON_DATA"
    for part in ("nfs4", "local disk", "RABBITMQ_URL and MONGODB_URI"):
        assert part in fault.message
    assert not (tmp_path / "data").exists()
