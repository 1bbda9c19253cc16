"""Archives that nobody vouches for: whole ones give their images, hostile and broken ones are refused."""

import gzip
import io
import stat
import tarfile
import zipfile
from pathlib import PurePosixPath
from random import Random

import pytest
from release_files import REPO, images_of, json_lines, rows_of, tar_gz
from row_files import encoded

from vlaa_helpers.data import safe_archives
from vlaa_helpers.data.image_folders import ImageFolder
from vlaa_helpers.data.load import read_records
from vlaa_helpers.data.safe_archives import UnsafeArchive, image_key, open_zip, tar_images, zip_images

GOOD = {"clevr_math/a.png": b"first", "clevr_math/b.png": b"second"}


def everything(key):
    return True


def read_tar(data, take=everything):
    return list(tar_images(io.BytesIO(data), "clevr_math", take))


def special(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zip_file(*members, compression=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for info, data in members:
            archive.writestr(info, data)
    return zipfile.ZipFile(buffer)


def read_zip(archive, take=everything):
    return list(zip_images(archive, "coco", take))


# ---- whole ones ----


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("clevr_math/a.png", "clevr_math/a.png"),
        ("./clevr_math/a.png", "clevr_math/a.png"),
        ("a.png", "clevr_math/a.png"),
        ("images/clevr_math/a.png", "clevr_math/a.png"),
        ("clevr_math/images/deep/a.JPEG", "clevr_math/deep/a.JPEG"),
    ],
)
def test_where_an_image_belongs(name, key):
    assert read_tar(tar_gz({name: b"data"})) == [(PurePosixPath(key), b"data")]


def test_what_is_no_image_is_passed_over():
    files = {"clevr_math/README.md": b"x", "clevr_math/._a.png": b"x", ".DS_Store": b"x", **GOOD, "run.sh": b"x"}
    data = tar_gz(files, special("clevr_math", tarfile.DIRTYPE))
    assert [image for _, image in read_tar(data)] == [b"first", b"second"]
    archive = zip_file(("train2017/", b""), ("train2017/a.jpg", b"one"), ("notes.txt", b"x"))
    assert read_zip(archive) == [(PurePosixPath("coco/train2017/a.jpg"), b"one")]


def test_only_what_is_wanted_is_given():
    wanted = {PurePosixPath("clevr_math/b.png")}
    assert read_tar(tar_gz(GOOD), wanted.__contains__) == [(PurePosixPath("clevr_math/b.png"), b"second")]


def test_the_same_image_twice_is_harmless():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for _ in range(2):
            info = tarfile.TarInfo("clevr_math/a.png")
            info.size = 3
            archive.addfile(info, io.BytesIO(b"one"))
    assert len(read_tar(buffer.getvalue())) == 2


def test_many_large_images_are_no_bomb(monkeypatch):
    monkeypatch.setattr(safe_archives, "BETWEEN_IMAGES", 2**18)
    images = images_of("clevr_math", 6, size=(350, 350))
    assert min(map(len, images.values())) > safe_archives.BETWEEN_IMAGES
    assert len(read_tar(tar_gz(images), lambda key: False)) == 0  # passed over, not refused
    assert len(read_tar(tar_gz(images))) == 6


# ---- hostile ones ----

OUT = [
    "../evil.png",
    "clevr_math/../../evil.png",
    "/etc/evil.png",
    "//host/share/evil.png",
    "C:evil.png",
    "C:\\evil.png",
    "clevr_math\\..\\evil.png",
    "clevr_math/a\n.png",
    "clevr_math/\udcff.png",
]


@pytest.mark.parametrize("name", OUT)
def test_a_name_that_leads_out_is_refused(name):
    with pytest.raises(UnsafeArchive, match="leads out of its folder"):
        read_tar(tar_gz({name: b"x"}))


@pytest.mark.parametrize("name", OUT[:5])
def test_a_name_that_leads_out_of_a_zip_is_refused(name):
    with pytest.raises(UnsafeArchive, match="leads out of its folder"):
        read_zip(zip_file((name, b"x")))


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (tarfile.SYMTYPE, "/etc/passwd"),
        (tarfile.LNKTYPE, "clevr_math/a.png"),
        (tarfile.CHRTYPE, ""),
        (tarfile.BLKTYPE, ""),
        (tarfile.FIFOTYPE, ""),
        (tarfile.GNUTYPE_SPARSE, ""),
    ],
)
def test_links_and_devices_are_refused(kind, target):
    with pytest.raises(UnsafeArchive, match=r"'clevr_math/c\.png' is a link, a device"):
        read_tar(tar_gz(GOOD, special("clevr_math/c.png", kind, target)))


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_in_a_zip_are_refused(mode):
    info = zipfile.ZipInfo("train2017/a.jpg")
    info.external_attr = (mode | 0o777) << 16
    with pytest.raises(UnsafeArchive, match="is a link, encrypted"):
        read_zip(zip_file((info, b"/etc/passwd")))


def test_an_encrypted_zip_is_refused():
    archive = zip_file(("train2017/a.jpg", b"x"))
    archive.infolist()[0].flag_bits |= 1
    with pytest.raises(UnsafeArchive, match="is a link, encrypted"):
        read_zip(archive)


@pytest.mark.parametrize("other", ["clevr_math/a.png", "clevr_math/A.PNG", "images/clevr_math/a.png"])
def test_two_images_of_one_name_are_refused(other):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in (("clevr_math/a.png", b"one"), (other, b"two")):
            info = tarfile.TarInfo(name)
            info.size = 3
            archive.addfile(info, io.BytesIO(data))
    with pytest.raises(UnsafeArchive, match="is there twice with different content"):
        read_tar(buffer.getvalue())


@pytest.mark.parametrize("names", [("é.png", "e\u0301.png"), ("Straße.png", "STRASSE.png")])
def test_two_spellings_of_one_name_are_refused(names):
    files = {f"clevr_math/{name}": bytes([k]) for k, name in enumerate(names)}
    with pytest.raises(UnsafeArchive, match="is there twice"):
        read_tar(tar_gz(files))


def test_a_bomb_of_zeros_is_refused(monkeypatch):
    monkeypatch.setattr(safe_archives, "BETWEEN_IMAGES", 2**20)
    with pytest.raises(UnsafeArchive, match="expands more than 20 times"):
        read_tar(tar_gz({f"clevr_math/{k}.png": bytes(2**20) for k in range(4)}))
    with pytest.raises(UnsafeArchive, match="expands more than 20 times"):
        read_zip(zip_file(("train2017/a.jpg", bytes(2**20)), compression=zipfile.ZIP_DEFLATED))


def test_an_image_of_a_terabyte_is_refused_by_its_header():
    info = tarfile.TarInfo("clevr_math/a.png")
    info.size = 10**12
    data = gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(2**16))
    with pytest.raises(
        UnsafeArchive, match=r"'clevr_math/a\.png' has 1000\.0 GB; expected images of at most 67,108,864"
    ):
        read_tar(data)


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.SOLARIS_XHDTYPE,
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
    ],
)
@pytest.mark.parametrize("size", [2**12 + 1, 2**25])
def test_a_large_extension_is_refused_by_its_header(kind, size):
    """tarfile would search its digits in a time that grows with their square."""
    header = special("clevr_math/x", kind)
    header.size = size
    body = b"5000 comment=".ljust(4999, b"7") + b"\n"
    data = gzip.compress(header.tobuf() + body.ljust(5120, b"\0") + gzip.decompress(tar_gz(GOOD)))
    with pytest.raises(UnsafeArchive, match=rf"'clevr_math/x' is a header of {size:,} bytes .* at most 4,096$"):
        read_tar(data)


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_a_name_as_long_as_a_system_allows_is_read(form):
    name = "clevr_math/" + "f" * 199 + ("/" + "é" * 100) * 17 + "/" + "a" * 196 + ".png"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=form) as archive:
        info = tarfile.TarInfo(name)
        info.size = 3
        archive.addfile(info, io.BytesIO(b"one"))
    assert 3800 < len(name.encode()) < 4096 and read_tar(buffer.getvalue()) == [(PurePosixPath(name), b"one")]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("clevr_math/" + "a" * 197 + ".png", "2 parts, the longest of 201"),
        ("clevr_math/" + "é" * 99 + ".png", "2 parts, the longest of 202"),
        ("clevr_math/" + "b/" * 19 + "a.png", r"21 parts, the longest of \d+"),
    ],
)
def test_a_name_that_is_too_long_or_too_deep_is_refused(name, says):
    for read, archive in ((read_tar, tar_gz({name: b"x"})), (read_zip, zip_file((f"coco/{name[11:]}", b"x")))):
        with pytest.raises(UnsafeArchive, match=rf" has {says} bytes; expected at most 20 parts of 200 bytes"):
            read(archive)


@pytest.mark.parametrize(
    "names", [("a.png", "A.png/b/c.png"), ("a.png/b/c.png", "a.PNG"), ("a.png/b.png/c.png", "a.png/b.png")]
)
def test_an_image_that_is_a_folder_too_is_refused(names):
    files = {f"clevr_math/{name}": b"x" for name in names}
    archive = zip_file(*((name, b"x") for name in names))
    for read, made in ((read_tar, tar_gz(files)), (read_zip, archive)):
        with pytest.raises(UnsafeArchive, match=r"is an image and a folder of images in one"):
            read(made)


def test_an_image_of_a_negative_size_is_refused_as_such():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        info = special("clevr_math/a.png", tarfile.REGTYPE)
        info.pax_headers = {"size": "-700"}
        archive.addfile(info)
    with pytest.raises(UnsafeArchive, match=r"'clevr_math/a\.png' has a negative size \(-700 bytes\)"):
        read_tar(buffer.getvalue())


def global_header(values):
    info = special("global", tarfile.XGLTYPE)
    record = b"".join(b"%d %s=%s\n" % (len(key) + len(value) + 5, key, value) for key, value in values.items())
    info.size = len(record)
    return info.tobuf() + record.ljust(-(-len(record) // 512) * 512, b"\0")


def test_no_member_pays_for_the_global_headers_of_others(monkeypatch):
    copied = []

    def copying(member, headers, *args):
        copied.append(len(headers))
        return tarfile.TarInfo._apply_pax_info(member, headers, *args)

    monkeypatch.setattr(safe_archives._Member, "_apply_pax_info", copying, raising=False)
    plain = b""
    for k in range(50):
        plain += global_header({b"K%02d.%03d" % (k, j): b"7" for j in range(40)})
        plain += gzip.decompress(tar_gz({f"clevr_math/{k}.png": b"%d" % k}))[:1024]
    images = read_tar(gzip.compress(plain + bytes(1024)))
    assert [data for _, data in images] == [b"%d" % k for k in range(50)]
    assert len(copied) >= 50 and max(copied) == 40


def test_endless_headers_are_refused():
    """The header of a sparse file names the next one, without an end."""
    first = bytearray(special("clevr_math/a.png", tarfile.GNUTYPE_SPARSE).tobuf(tarfile.GNU_FORMAT))
    first[482] = 1  # goes on in the next block
    first[148:156] = b"%06o\0 " % tarfile.calc_chksums(first)[0]
    data = gzip.compress(bytes(first) + bytes(504).ljust(505, b"\1").ljust(512, b"\0") * 2**16, compresslevel=0)
    with pytest.raises(UnsafeArchive, match=r"more than 17 MB that belong to no image"):
        read_tar(data)


# ---- broken ones ----


def test_a_cut_archive_says_how_far_it_came():
    data = tar_gz(images_of("clevr_math", 20))
    images = tar_images(io.BytesIO(data[: len(data) // 2]), "clevr_math", everything)
    with pytest.raises(UnsafeArchive, match=r"broken or cut off after \d+ images \(Compressed file ended"):
        list(images)


@pytest.mark.parametrize(
    "data", [b"", b"<html>no archive</html>", gzip.compress(b"no tar" * 1000)], ids=["empty", "a page", "no tar"]
)
def test_what_is_no_archive_is_refused(data):
    with pytest.raises(UnsafeArchive, match="broken or cut off after 0 images"):
        read_tar(data)


def test_a_flipped_bit_is_found():
    data = bytearray(tar_gz(GOOD))
    data[-5] ^= 1  # of the checksum
    with pytest.raises(UnsafeArchive, match="CRC"):
        read_tar(bytes(data))


def test_a_flipped_bit_in_a_zip_is_found():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("train2017/a.jpg", b"image" * 100)
    data = buffer.getvalue().replace(b"imageimage", b"imageimagE", 1)
    with pytest.raises(UnsafeArchive, match="Bad CRC-32"):
        read_zip(zipfile.ZipFile(io.BytesIO(data)))


# ---- through load_records ----


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_of_other_methods_is_refused_before_it_is_read(compression):
    with pytest.raises(UnsafeArchive, match="compressed by method (12|14); expected deflated or stored images"):
        read_zip(zip_file(("a.png", b"x" * 99), compression=compression))


def test_endless_long_names_are_refused():
    """Each of them makes tarfile call itself once more."""
    name = special("././@LongLink", tarfile.GNUTYPE_LONGNAME)
    name.size = 3
    chain = (name.tobuf() + b"ab".ljust(512, b"\0")) * 3000
    with pytest.raises(UnsafeArchive, match="broken or cut off after 0 images .*recursion"):
        read_tar(gzip.compress(chain))


def damaged(data, random):
    """Some bytes changed, put in, or cut off."""
    data = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 4, 8))):
        place, kind = random.randrange(len(data)), random.random()
        if kind < 0.75:
            data[place] = random.randrange(256)
        elif kind < 0.9:
            data[place : place + random.randrange(1, 40)] = random.randbytes(random.randrange(1, 20))
        else:
            del data[max(1, place) :]
    return bytes(data)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_archives_give_images_or_the_one_error(seed):
    random = Random(seed)
    members = [(f"coco/{k}é.png", random.randbytes(50)) for k in range(3)]
    plain = zip_file(*members).fp.getvalue()
    packed = zip_file(*members, compression=zipfile.ZIP_DEFLATED).fp.getvalue()
    for _ in range(1500):
        try:
            for _, data in read_zip(open_zip(io.BytesIO(damaged(random.choice((plain, packed)), random)))):
                assert isinstance(data, bytes)
        except UnsafeArchive as error:
            assert "expected" in str(error) or "refused" in str(error)
    tar = gzip.decompress(tar_gz(dict(members)))
    for k in range(700):
        data = gzip.compress(damaged(tar, random), 1)
        try:
            read_tar(damaged(data, random) if k % 5 == 0 else data)
        except UnsafeArchive as error:
            assert "expected" in str(error) or "refused" in str(error)


@pytest.mark.parametrize("limit", [None, 4])
def test_a_hostile_archive_leaves_nothing_behind(hub, tmp_path, limit):
    hub.repos[REPO]["VLAA-Thinking-GRPO-25K.json"] = json_lines(rows_of("clevr_math", 4))
    files = {**images_of("clevr_math", 3), "../../evil.png": encoded()}
    hub.repos[REPO]["images/clevr_math.tar.gz"] = tar_gz(files)
    with pytest.raises(
        UnsafeArchive,
        match=r"images/clevr_math\.tar\.gz of UCSC-VLAA/VLAA-Thinking: '\.\./\.\./evil\.png' leads out.*"
        r"was removed; go on without it: leave 'clevr_math' out of sources",
    ):
        read_records(REPO, sources=["clevr_math"], limit=limit)
    assert list(tmp_path.rglob("*.png")) == []


def test_names_that_no_file_can_have_are_said_to_be_the_archive_s(tmp_path):
    folder = ImageFolder(tmp_path, "clevr_math")
    assert not folder.has(PurePosixPath("clevr_math", "n" * 300 + ".png"))  # a row may ask for it
    (folder.root / "clevr_math" / "1.png" / "2.png").mkdir(parents=True)
    images = tar_images(io.BytesIO(tar_gz(images_of("clevr_math", 2))), "clevr_math", everything)
    with pytest.raises(
        UnsafeArchive, match=r"x\.tar\.gz: an image can have no file '.*1\.png' .*leave 'clevr_math' out of"
    ):
        folder._keep(images, "x.tar.gz")
    assert not folder.root.exists()


def test_a_zip_that_is_none_and_one_with_an_endless_table(hub, monkeypatch):
    hub.repos[REPO]["VLAA-Thinking-GRPO-25K.json"] = json_lines(rows_of("coco", 2))
    hub.plain["/coco0.zip"] = b"<html>moved</html>" * 100
    with pytest.raises(UnsafeArchive, match=r"coco0\.zip: File is not a zip file.*leave 'coco' out of sources"):
        read_records(REPO, sources=["coco"])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for k in range(9000):
            archive.writestr(f"train2017/{k:0100}.jpg", b"")
    hub.plain["/coco0.zip"] = buffer.getvalue()
    monkeypatch.setattr("vlaa_helpers.data.image_folders.TABLE_LIMIT", 2**18)
    with pytest.raises(OSError, match=r"coco0\.zip: its table of contents is longer than 262 kB; refused"):
        read_records(REPO, sources=["coco"])


def test_keys_of_rows_and_members_agree():
    for row, member in (("/images/vg/VG_100K/1.jpg", "VG_100K/1.jpg"), ("coco/train2017/1.jpg", "train2017/1.jpg")):
        source = row.strip("/").removeprefix("images/").split("/")[0]
        assert image_key(row, source) == image_key(member, source)
