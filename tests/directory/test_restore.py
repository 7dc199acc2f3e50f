from __future__ import annotations

import asyncio
import gzip
import io
import tarfile
import zlib
from pathlib import Path
from typing import Any

import orjson
import pytest

from kitamae.adapters.sqlite import verify
from kitamae.directory import restore
from kitamae.directory.backup import MANIFEST, backup
from kitamae.directory.layout import Layout
from kitamae.kernel.problems import Conflict, Problem, StoreDamaged


class Copies:
    """A store of which only `backup` is asked."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    async def backup(self, to: str) -> None:
        Path(to).write_bytes(self.content)


def city(root: Path, state: bytes = b"old") -> Layout:
    layout = Layout(root)
    layout.make()
    layout.state.write_bytes(state)
    return layout


async def taken(tmp_path: Path, name: str = "backup.tar", state: bytes = b"new") -> Path:
    layout = city(tmp_path / "source")
    (layout.root / "blobs" / "deep").mkdir()
    (layout.root / "blobs" / "deep" / "photo").write_bytes(b"photo" * 1000)
    store: Any = Copies(state)
    await backup(store, layout, tmp_path / name)
    return tmp_path / name


def fine(state: Path) -> None:
    assert state.is_file()


@pytest.mark.parametrize("name", ["backup.tar", "backup.tar.gz"])
async def test_what_was_backed_up_takes_the_place_of_what_was_there(tmp_path: Path, name: str) -> None:
    file = await taken(tmp_path, name)
    layout = city(tmp_path / "target")
    (layout.root / "kitamae.db-wal").write_bytes(b"old wal")
    restore.unpack(file, layout, fine)
    assert layout.state.read_bytes() == b"old"
    restore.swap(layout)
    assert layout.state.read_bytes() == b"new"
    assert (layout.root / "blobs/deep/photo").read_bytes() == b"photo" * 1000
    assert not (layout.root / "kitamae.db-wal").exists()
    assert (layout.replaced / "kitamae.db").read_bytes() == b"old"
    assert (layout.replaced / "kitamae.db-wal").read_bytes() == b"old wal"
    assert not layout.incoming.exists()


async def test_a_backup_says_what_is_in_it_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    file = await taken(tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600
    with tarfile.open(file) as tar:
        assert tar.getnames() == ["kitamae.db", "blobs/deep/photo", MANIFEST]
    assert not list((tmp_path / "source").glob(".backup*"))
    assert not list(tmp_path.glob("*.partial"))


async def test_a_backup_replaces_nothing(tmp_path: Path) -> None:
    (tmp_path / "backup.tar").write_bytes(b"precious")
    with pytest.raises(Conflict, match="already there"):
        await taken(tmp_path)
    assert (tmp_path / "backup.tar").read_bytes() == b"precious"


@pytest.mark.parametrize("name", ["backup.tar", "backup.tar.gz"])
async def test_a_backup_that_is_cut_off_anywhere_changes_nothing(tmp_path: Path, name: str) -> None:
    file = await taken(tmp_path, name)
    whole = file.read_bytes()
    layout = city(tmp_path / "target")
    cuts = sorted({len(whole) * part // 40 for part in range(40)} | {1, 511, 512, 513})
    for size in cuts:
        file.write_bytes(whole[:size])
        if b'"files"' in _readable(
            whole[:size], name
        ):  # the manifest, which is the last: only padding is missing
            continue
        with pytest.raises(restore.BadBackup):
            restore.unpack(file, layout, fine)
        assert layout.state.read_bytes() == b"old"
        assert not layout.incoming.exists()
    assert len(cuts) > 20


def _readable(part: bytes, name: str) -> bytes:
    return zlib.decompressobj(31).decompress(part) if name.endswith(".gz") else part


async def test_a_single_changed_byte_is_noticed(tmp_path: Path) -> None:
    file = await taken(tmp_path)
    whole = bytearray(file.read_bytes())
    whole[whole.index(b"photophoto") + 77] ^= 1
    file.write_bytes(whole)
    with pytest.raises(restore.BadBackup, match="blobs/deep/photo is not what was backed up"):
        restore.unpack(file, city(tmp_path / "target"), fine)


@pytest.mark.parametrize(
    "name", ["../outside", "/tmp/outside", "blobs/../../outside", "elsewhere/file", "lock"]
)
async def test_a_file_without_a_place_in_a_data_directory_is_refused(tmp_path: Path, name: str) -> None:
    file = tmp_path / "evil.tar"
    with tarfile.open(file, "w") as tar:
        info = tarfile.TarInfo(name)
        info.size = 4
        tar.addfile(info, io.BytesIO(b"evil"))
    with pytest.raises(restore.BadBackup, match="no place"):
        restore.unpack(file, city(tmp_path / "target"), fine)


async def test_links_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "evil.tar"
    with tarfile.open(file, "w") as tar:
        info = tarfile.TarInfo("blobs/link")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(info)
    with pytest.raises(restore.BadBackup, match="not a plain file"):
        restore.unpack(file, city(tmp_path / "target"), fine)


async def test_another_file_is_not_a_backup(tmp_path: Path) -> None:
    layout = city(tmp_path / "target")
    (tmp_path / "a.txt").write_text("hello")
    (tmp_path / "b.gz").write_bytes(gzip.compress(b"hello"))
    for name in ("a.txt", "b.gz", "missing"):
        with pytest.raises(restore.BadBackup):
            restore.unpack(tmp_path / name, layout, fine)
    with tarfile.open(tmp_path / "old.tar", "w") as tar:
        for member, content in (("kitamae.db", b""), (MANIFEST, orjson.dumps({"format": 99, "files": {}}))):
            info = tarfile.TarInfo(member)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    with pytest.raises(restore.BadBackup, match="format 99"):
        restore.unpack(tmp_path / "old.tar", layout, fine)


@pytest.mark.parametrize(
    "manifest",
    [b"[]", b"{", b"null", b'{"format":1}', b'{"format":1,"files":"abc"}', b'{"format":1,"files":[1,2]}',
     b'{"format":1,"files":{"kitamae.db":[1],"x":{"y":1}}}', b"[" * 100_000],
)  # fmt: skip
async def test_a_manifest_may_be_anything_and_is_only_refused(tmp_path: Path, manifest: bytes) -> None:
    file, layout = tmp_path / "made.tar", city(tmp_path / "target")
    with tarfile.open(file, "w") as tar:
        for name, content in (("kitamae.db", b"x"), (MANIFEST, manifest)):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    with pytest.raises(restore.BadBackup):
        restore.unpack(file, layout, fine)
    assert layout.state.read_bytes() == b"old"
    assert not layout.incoming.exists()


async def test_a_damaged_archive_of_any_compression_is_refused(tmp_path: Path) -> None:
    layout = city(tmp_path / "target")
    for way in ("gz", "bz2", "xz"):
        file = tmp_path / f"made.{way}"
        with tarfile.open(file, f"w:{way}") as tar:  # type: ignore[call-overload]  # the mode is put together
            info = tarfile.TarInfo("kitamae.db")
            info.size = 200_000
            tar.addfile(info, io.BytesIO(b"x" * info.size))
        damaged = bytearray(file.read_bytes())
        damaged[len(damaged) // 2] ^= 0xFF
        file.write_bytes(damaged)
        with pytest.raises(restore.BadBackup):
            restore.unpack(file, layout, fine)
        assert not layout.incoming.exists()


@pytest.mark.parametrize("content", [b"", b"x"])
def test_an_empty_file_is_no_citys_state(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "kitamae.db").write_bytes(content)
    with pytest.raises(StoreDamaged, match="empty"):
        verify(tmp_path / "kitamae.db")


async def test_a_state_that_the_check_refuses_leaves_nothing_behind(tmp_path: Path) -> None:
    file = await taken(tmp_path)
    layout = city(tmp_path / "target")

    def newer(state: Path) -> None:
        raise Problem("of a newer version")

    with pytest.raises(Problem, match="newer"):
        restore.unpack(file, layout, newer)
    assert not layout.incoming.exists()
    assert layout.state.read_bytes() == b"old"


async def test_a_restore_killed_at_any_rename_is_finished_by_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = await taken(tmp_path)

    class Killed(BaseException):
        pass

    real = Path.rename
    for survive in range(20):
        layout = city(tmp_path / f"target{survive}")
        (layout.root / "kitamae.db-wal").write_bytes(b"old wal")
        (layout.root / "blobs" / "old").write_bytes(b"old blob")
        restore.unpack(file, layout, fine)
        left = survive

        def rename(self: Path, to: Path) -> Path:
            nonlocal left
            if not left:
                raise Killed
            left -= 1
            return real(self, to)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "rename", rename)
            try:
                restore.swap(layout)
                killed = False
            except Killed:
                killed = True
        if killed:
            finished = restore.finish(layout)
            assert finished == (survive > 0)  # the first rename announces the swap
        if survive == 0:
            assert layout.state.read_bytes() == b"old"
            assert (layout.root / "kitamae.db-wal").exists()
        else:
            assert layout.state.read_bytes() == b"new"
            assert not (layout.root / "kitamae.db-wal").exists()
            assert not (layout.root / "blobs/old").exists()
            assert (layout.replaced / "blobs/old").read_bytes() == b"old blob"
        assert not layout.incoming.exists()
        if not killed:
            break
    else:
        pytest.fail("the swap never came to its end")


async def test_nothing_goes_on_beside_a_backup_that_fails(tmp_path: Path) -> None:
    class Broken:
        async def backup(self, to: str) -> None:
            Path(to).write_bytes(b"half")
            raise OSError("disk")

    store: Any = Broken()
    layout = city(tmp_path / "source")
    with pytest.raises(OSError, match="disk"):
        await asyncio.wait_for(backup(store, layout, tmp_path / "b.tar"), 10)
    assert not list(tmp_path.glob("b.tar*"))
    assert not list(layout.root.glob(".backup*"))


@pytest.mark.parametrize("encrypted", [True, False])
async def test_an_encrypted_backup_alone_carries_the_seal_and_none_the_keys_of_persons_or_the_ledger(
    tmp_path: Path, encrypted: bool
) -> None:
    import pyrage

    identity = pyrage.x25519.Identity.generate()
    source = city(tmp_path / "source", b"new")
    for name in ("seal.key", "ledger.key", "keys.db", "city.key"):
        (source.root / name).write_bytes(name.encode())
    store: Any = Copies(b"new")
    to = [str(identity.to_public())] if encrypted else []
    manifest = await backup(store, source, tmp_path / "backup.tar", to)
    carried = [name for name in manifest["files"] if name not in ("kitamae.db",)]
    assert carried == (["seal.key"] if encrypted else [])
    layout = city(tmp_path / "target")
    layout.seal.write_bytes(b"made by a first start")
    restore.unpack(tmp_path / "backup.tar", layout, fine, str(identity))
    restore.swap(layout)
    assert layout.seal.read_bytes() == (b"seal.key" if encrypted else b"made by a first start")
    assert (layout.replaced / "seal.key").exists() is encrypted
    assert layout.seal.stat().st_mode & 0o077 == 0 or not encrypted
    assert not layout.ledger_key.exists()
